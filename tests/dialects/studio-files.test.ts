import { connect } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { mintToken } from "@claude-edge/client/tokens";
import { describe, expect, test } from "vitest";

import { curl } from "../support/curl.js";
import { useProject } from "../support/project.js";
import { useStack, type TestStack } from "../support/stack.js";
import { all } from "../support/tokens.js";
import { sessionIn, studioOf } from "./studio-client.js";

/** The smallest images that a model takes, by their first bytes. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
  "base64",
);
const JPEG = Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex");
const GIF = Buffer.from("GIF89a\x01\x00\x01\x00\x00\x00\x00;", "latin1");
const WEBP = Buffer.from("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00", "latin1");

interface Uploaded {
  originalName: string;
  filename: string;
  r2Key: string;
  size: number;
  mimetype: string;
  url: string;
  path: string;
}

interface Answer {
  success: boolean;
  count?: number;
  files?: Uploaded[];
  errors?: string[];
  error?: string;
  code?: string;
}

const formOf = (...files: [name: string, bytes: Uint8Array, type?: string][]) => {
  const form = new FormData();
  for (const [name, bytes, type = "image/png"] of files) {
    form.append("images", new Blob([bytes as Uint8Array<ArrayBuffer>], { type }), name);
  }
  return form;
};

async function send(
  edge: TestStack,
  account: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<{ status: number; answer: Answer }> {
  const response = await edge.fetch("/api/upload", {
    method: "POST",
    account,
    headers,
    body,
    duplex: "half",
  } as RequestInit);
  return { status: response.status, answer: (await response.json()) as Answer };
}

const vars = { CLAUDE_EDGE_DIALECTS: "studio" };
const edge = useStack({ vars });

describe("POST /api/upload", () => {
  test("files of a page, under names of their own", async () => {
    const { status, answer } = await send(
      edge,
      "up-page",
      formOf(["hero.png", PNG], ["b.JPEG", JPEG, "image/jpeg"], ["c.gif", GIF], ["d.webp", WEBP]),
    );
    expect(answer).toMatchObject({ success: true, count: 4 });
    expect(answer).not.toHaveProperty("errors");
    expect(status).toBe(200);
    expect(answer.files!.map(({ originalName, mimetype, size }) => [originalName, mimetype, size]))
      // What it is, whatever it is called.
      .toEqual([
        ["hero.png", "image/png", PNG.length],
        ["b.JPEG", "image/jpeg", JPEG.length],
        ["c.gif", "image/gif", GIF.length],
        ["d.webp", "image/webp", WEBP.length],
      ]);
    for (const { filename, r2Key, url, path } of answer.files!) {
      expect(filename).toMatch(/^\d+-[0-9a-f-]{36}\.(png|jpg|gif|webp)$/);
      expect([r2Key, url, path]).toEqual([
        `uploads/${filename}`,
        `/uploads/${filename}`,
        `/storage/uploads/${filename}`,
      ]);
    }
  });

  test("curl -F", async () => {
    const folder = useProject({});
    writeFileSync(join(folder, "photo.png"), PNG);
    const { status, body } = await curl(
      `curl -F images=@${folder}/photo.png -H "x-account-id: up-curl" -H "Authorization: Bearer ${edge.stack.token}" ${edge.stack.url}/api/upload`,
    );
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      success: true,
      files: [{ originalName: "photo.png", mimetype: "image/png" }],
    });
  });

  test("the same name twice is two files", async () => {
    const { answer } = await send(edge, "up-same", formOf(["a.png", PNG], ["a.png", GIF]));
    expect(new Set(answer.files!.map(({ filename }) => filename)).size).toBe(2);
  });

  test("names that lead elsewhere lead nowhere", async () => {
    const names = ["../../etc/passwd.png", "/abs.png", "a\\..\\b.png", "ü 雪.png", ".."];
    const { answer } = await send(
      edge,
      "up-names",
      formOf(...names.map((n) => [n, PNG] as const).map(([n, b]): [string, Uint8Array] => [n, b])),
    );
    expect(answer).toMatchObject({ count: names.length });
    for (const { filename } of answer.files!) expect(filename).toMatch(/^\d+-[0-9a-f-]{36}\.png$/);
    expect(answer.files!.map(({ originalName }) => originalName)).toContain("ü 雪.png");
  });

  test("what is no image is left out, and said; with no other it is an error", async () => {
    const page = Buffer.from("<script>alert(1)</script>");
    const mixed = await send(edge, "up-mixed", formOf(["x.png", page], ["y.png", PNG]));
    expect(mixed).toMatchObject({
      status: 200,
      answer: { success: true, count: 1, errors: ["x.png: Invalid file type (image/png)"] },
    });
    const alone = await send(edge, "up-mixed", formOf(["x.svg", page, "image/svg+xml"]));
    expect(alone).toMatchObject({
      status: 400,
      answer: {
        success: false,
        error: "All uploads failed",
        errors: ["x.svg: Invalid file type (image/svg+xml)"],
        code: "invalid_request",
      },
    });
  });

  test("a file that is too large is left out, and said", async () => {
    const large = Buffer.concat([PNG, Buffer.alloc(10 * 1024 * 1024)]);
    const { status, answer } = await send(
      edge,
      "up-large",
      formOf(["l.png", large], ["s.png", PNG]),
    );
    expect(answer).toMatchObject({ count: 1, errors: ["l.png: File too large (max 10MB)"] });
    expect(status).toBe(200);
  });

  test.each([true, false])(
    "a form that is too large is refused; its length said: %s",
    async (said) => {
      const form = formOf(
        ...Array.from({ length: 4 }, (): [string, Uint8Array] => [
          "l.png",
          Buffer.concat([PNG, Buffer.alloc(9 * 1024 * 1024)]),
        ]),
      );
      const request = new Request("http://x/", { method: "POST", body: form });
      const type = request.headers.get("content-type")!;
      const bytes = new Uint8Array(await request.arrayBuffer());
      const body = said ? bytes : new Blob([bytes]).stream();
      const { status, answer } = await send(edge, "up-large-form", body, { "content-type": type });
      expect(answer).toMatchObject({ success: false, code: "file_too_large" });
      expect(status).toBe(413);
      expect(
        (await edge
          .fetch("/v1/sessions", { account: "up-large-form" })
          .then((r) => r.json())) as object,
      ).toEqual({ sessions: [] });
    },
  );

  const boundary = "multipart/form-data; boundary=b";
  const part = (field: string, name?: string, content: string | Buffer = PNG) =>
    Buffer.concat([
      Buffer.from(
        `--b\r\ncontent-disposition: form-data; name="${field}"${name === undefined ? "" : `; filename="${name}"`}\r\n\r\n`,
      ),
      Buffer.from(content),
      Buffer.from("\r\n"),
    ]);
  const END = Buffer.from("--b--\r\n");

  test.each<[string, string | undefined, Buffer, string, string]>([
    [
      "JSON",
      "application/json",
      Buffer.from("{}"),
      "invalid_request",
      "Content-Type must be multipart/form-data",
    ],
    ["no type", undefined, PNG, "invalid_request", "Content-Type must be multipart/form-data"],
    ["no boundary", "multipart/form-data", PNG, "invalid_request", "boundary"],
    [
      "another boundary",
      "multipart/form-data; boundary=other",
      Buffer.concat([part("images", "a.png"), END]),
      "invalid_request",
      "no multipart/form-data",
    ],
    ["no body", boundary, Buffer.alloc(0), "invalid_request", "empty"],
    ["no parts", boundary, END, "invalid_request", "No files uploaded"],
    [
      "a file that nobody chose",
      boundary,
      Buffer.concat([part("images", "", ""), END]),
      "invalid_request",
      "No files uploaded",
    ],
    [
      "a text where files go",
      boundary,
      Buffer.concat([part("images", undefined, "x"), END]),
      "invalid_request",
      "No files uploaded",
    ],
    [
      "another field",
      boundary,
      Buffer.concat([part("file", "a.png"), END]),
      "invalid_request",
      "file: there is no such field",
    ],
    [
      "an empty file",
      boundary,
      Buffer.concat([part("images", "a.png", ""), END]),
      "invalid_request",
      "All uploads failed",
    ],
    [
      "eleven files",
      boundary,
      Buffer.concat([...Array.from({ length: 11 }, () => part("images", "a.png")), END]),
      "invalid_request",
      "Maximum 10 files allowed",
    ],
    [
      "a name that is not UTF-8",
      boundary,
      Buffer.concat([
        Buffer.from(
          '--b\r\ncontent-disposition: form-data; name="images"; filename="\xff"\r\n\r\nx\r\n',
          "latin1",
        ),
        END,
      ]),
      "invalid_request",
      "no multipart/form-data",
    ],
    ["no end", boundary, part("images", "a.png"), "upload_cut", ""],
    ["cut off in a file", boundary, part("images", "a.png").subarray(0, 80), "upload_cut", ""],
  ])("%s is refused", async (_what, type, body, code, said) => {
    const headers = type === undefined ? { "content-type": "" } : { "content-type": type };
    const { status, answer } = await send(edge, "up-bad", new Uint8Array(body), headers);
    expect(answer).toMatchObject({ success: false, code });
    expect(answer.error).toContain(said);
    expect(status).toBe(400);
  });

  test("a form in any pieces is the same form", async () => {
    const whole = Buffer.concat([part("images", "a.png"), part("images", "b.gif", GIF), END]);
    for (const size of [1, 3, 7, 64]) {
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      const body = new ReadableStream({
        async pull(controller) {
          const next = pieces.shift();
          if (!next) return controller.close();
          controller.enqueue(next);
          // Each in a packet of its own, or nearly.
          if (pieces.length % 16 === 0) await new Promise((done) => setTimeout(done, 1));
        },
      });
      const { answer } = await send(edge, "up-pieces", body, { "content-type": boundary });
      expect(answer).toMatchObject({
        count: 2,
        files: [{ size: PNG.length }, { size: GIF.length }],
      });
    }
  });

  test("a connection that breaks in the middle leaves nothing behind", async () => {
    const { hostname, port } = new URL(edge.stack.url);
    const socket = connect(Number(port), hostname);
    const head = [
      "POST /api/upload HTTP/1.1",
      `Host: ${hostname}`,
      `Authorization: Bearer ${edge.stack.token}`,
      "x-account-id: up-broken",
      `Content-Type: ${boundary}`,
      "Content-Length: 1000000",
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    socket.write(Buffer.concat([part("images", "a.png"), part("images", "b.png")]));
    await new Promise((done) => setTimeout(done, 200));
    socket.destroy();
    await new Promise((done) => setTimeout(done, 300));
    expect(await all(edge.client("up-broken").sessions.list())).toEqual([]);
  });

  test("two at the same time, the account's first ones, are both taken", async () => {
    const both = await Promise.all(
      [1, 2, 3].map(() => send(edge, "up-both", formOf(["a.png", PNG]))),
    );
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200]);
    const sessions = await all(edge.client("up-both").sessions.list());
    expect(sessions).toMatchObject([{ title: "Uploads", tags: ["studio-uploads"] }]);
  });

  test("uploads are no session of the page's list", async () => {
    const studio = studioOf(edge, "up-list");
    await send(edge, "up-list", formOf(["a.png", PNG]));
    expect(await studio.json("/api/sessions")).toMatchObject({ body: { count: 0, sessions: [] } });
  });
});

describe("GET /api/media", () => {
  const upload = async (account: string, ...files: Parameters<typeof formOf>) =>
    (await send(edge, account, formOf(...files))).answer.files!;

  test("an upload, by its key and by the url of the answer", async () => {
    const [file] = await upload("media", ["a.png", PNG]);
    for (const path of [`/api/media/${file!.r2Key}`, file!.url]) {
      const response = await edge.fetch(path, { account: "media" });
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).equals(PNG)).toBe(true);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": "image/png",
        "content-disposition": "inline",
        "content-length": String(PNG.length),
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        "cache-control": expect.stringContaining("private"),
        etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
      });
    }
  });

  test("Range, If-Range, If-None-Match, HEAD", async () => {
    const [file] = await upload("media", ["a.png", PNG]);
    const get = (headers: Record<string, string>, method = "GET") =>
      edge.fetch(`/api/media/${file!.r2Key}`, { account: "media", headers, method });
    const part = await get({ range: "bytes=1-3" });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes 1-3/${PNG.length}`);
    expect(await part.text()).toBe("PNG");
    const etag = part.headers.get("etag")!;
    expect((await get({ range: "bytes=1-3", "if-range": etag })).status).toBe(206);
    const other = await get({ range: "bytes=1-3", "if-range": `"${"0".repeat(64)}"` });
    expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, PNG.length]);
    expect((await get({ "if-none-match": etag })).status).toBe(304);
    expect((await get({ "if-none-match": '"x"' })).status).toBe(200);
    const beyond = await get({ range: "bytes=9999-" });
    expect(beyond.status).toBe(416);
    expect(await beyond.json()).toMatchObject({ success: false, code: "range_not_satisfiable" });
    const head = await get({}, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(PNG.length)]);
  });

  test("what an agent has made, in its session's folder `outputs`", async () => {
    const studio = studioOf(edge, "media-out");
    const made = { file_path: "outputs/frames/one.txt", content: "frame one" };
    const session = sessionIn(
      await studio.generate(`%tool Write ${JSON.stringify(made)}\n%say Done.`, "shoot-1"),
    );
    expect(session).toBe("shoot-1");
    for (const prefix of ["/api/media", ""]) {
      const response = await studio.ask(`${prefix}/outputs/shoot-1/frames/one.txt`);
      expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(await response.text()).toBe("frame one");
    }
    expect((await studio.ask("/api/media/outputs/shoot-2/frames/one.txt")).status).toBe(404);
  });

  test.each([
    ["page.html", "<script>alert(1)</script>"],
    ["image.svg", '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ["code.js", "alert(1)"],
    ["feed.xml", "<x/>"],
    ["noname", "x"],
    ["tricky.png.html", "<b>"],
  ])("%s is saved, not shown", async (name, content) => {
    const account = "media-types";
    const client = edge.client(account);
    const session = await client.sessions.create();
    await session.files.put(`outputs/${name}`, content);
    const response = await edge.fetch(`/api/media/outputs/${session.id}/${name}`, { account });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
      "x-content-type-options": "nosniff",
    });
  });

  test.each([
    ["clip.mp4", "video/mp4"],
    ["sound.MP3", "audio/mpeg"],
    ["doc.pdf", "application/pdf"],
    ["ünï cödé.png", "image/png"],
    ["data.json", "application/json"],
  ])("%s is shown as %s", async (name, type) => {
    const account = "media-types";
    const session = await edge.client(account).sessions.create();
    await session.files.put(`outputs/${name}`, "x");
    const path = `/api/media/outputs/${session.id}/${encodeURIComponent(name)}`;
    const response = await edge.fetch(path, { account });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
  });

  test("nobody else's: another account, another token, no key", async () => {
    const [file] = await upload("media-own", ["a.png", PNG]);
    const path = `/api/media/${file!.r2Key}`;
    const asks = (token: string) =>
      edge.fetch(path, { headers: { authorization: `Bearer ${token}` } });
    expect((await edge.fetch(path, { account: "media-other" })).status).toBe(404);
    const mint = (account: string, scopes: ("files" | "query")[], session?: string) =>
      mintToken({
        rootKey: edge.stack.token,
        account,
        scopes,
        ...(session ? { sessionId: session } : {}),
      });
    expect((await asks(await mint("media-own", ["files"]))).status).toBe(200);
    expect((await asks(await mint("media-own", ["query"]))).status).toBe(403);
    expect((await asks(await mint("media-other", ["files"]))).status).toBe(404);
    const session = await edge.client("media-own").sessions.create();
    expect((await asks(await mint("media-own", ["files"], session.id))).status).toBe(403);
    expect((await asks("nothing")).status).toBe(401);
    // A token for one session reaches that one's.
    await session.files.put("outputs/a.txt", "mine");
    const own = await edge.fetch(`/api/media/outputs/${session.id}/a.txt`, {
      headers: { authorization: `Bearer ${await mint("media-own", ["files"], session.id)}` },
    });
    expect(await own.text()).toBe("mine");
  });

  test.each([
    "/api/media/uploads/..%2f..%2fetc%2fpasswd",
    "/api/media/uploads/%2e%2e%2f%2e%2e%2fsecret",
    "/api/media/outputs/MINE/..%2fsecret.txt",
    "/api/media/uploads/%00.png",
    "/api/media/uploads//etc/passwd",
  ])("%s is no path", async (path) => {
    const { id } = await edge.client("media").sessions.create();
    const response = await edge.fetch(path.replace("MINE", id), { account: "media" });
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ success: false, code: "path_invalid" }),
    ]);
  });

  test.each([
    "/api/media/uploads/none.png",
    "/api/media/outputs/none/x.png",
    "/api/media/other/x.png",
    "/api/media/",
  ])("%s is not there", async (path) => {
    expect((await edge.fetch(path, { account: "media-none" })).status).toBe(404);
  });
});

describe("a prompt with images", () => {
  const lastImages = () =>
    edge.stack
      .model!.requests.at(-1)!
      .body.messages.flatMap(({ content }) => (typeof content === "string" ? [] : content))
      .filter(({ type }) => type === "image");

  test("uploaded ones are seen by the model and found by the agent", async () => {
    const account = "with-images";
    const studio = studioOf(edge, account);
    const { answer } = await send(edge, account, formOf(["a.png", PNG], ["b.png", PNG]));
    const [png, other] = answer.files!;
    const prompt =
      '%tool Bash {"command":"cat attachments/*.png | head -c 4 | tail -c 3"}\n%say Seen.';
    const events = await studio.stream("/api/generate", {
      prompt,
      inputImages: [png!.path, other!.url],
    });
    expect(events.at(-1)).toMatchObject({ type: "complete", response: "Seen." });
    expect(JSON.stringify(events)).toContain('"summary":"PNG"');
    expect(lastImages()).toMatchObject([
      { source: { media_type: "image/png", data: PNG.toString("base64") } },
      { source: { media_type: "image/png", data: PNG.toString("base64") } },
    ]);
    const asked = JSON.stringify(edge.stack.model!.requests.at(-1)!.body.messages);
    expect(asked).toContain(`- Reference 1: attachments/${png!.filename}`);
    const files = await all(
      edge.client(account).sessions.open(sessionIn(events)).files.list("attachments"),
    );
    expect(files.map(({ path }) => path).toSorted()).toEqual(
      [`attachments/${other!.filename}`, `attachments/${png!.filename}`].toSorted(),
    );
  });

  test("in a session that a client names, new or not; also of its own workspace", async () => {
    const account = "with-images-named";
    const studio = studioOf(edge, account);
    const { answer } = await send(edge, account, formOf(["a.png", PNG]));
    const inputImages = [answer.files![0]!.path];
    const body = { prompt: "%say One.", sessionId: "shoot-9", inputImages };
    expect((await studio.stream("/api/generate-stream", body)).at(-1)).toMatchObject({
      type: "complete",
    });
    expect((await studio.stream("/api/generate-stream", body)).at(-1)).toMatchObject({
      type: "complete",
    });
    const again = { ...body, inputImages: [`attachments/${answer.files![0]!.filename}`] };
    expect((await studio.stream("/api/generate-stream", again)).at(-1)).toMatchObject({
      type: "complete",
    });
    expect(lastImages().length).toBeGreaterThan(0);
  });

  test.each<[string, unknown, number, string]>([
    ["an upload that is not there", ["/storage/uploads/1-none.png"], 404, "file_not_found"],
    ["a path out", ["/etc/passwd"], 400, "invalid_request"],
    ["a path with ..", ["../other/a.png"], 400, "invalid_request"],
    ["a path behind the uploads", ["/storage/uploads/../secret.png"], 400, "invalid_request"],
    ["an address", ["https://example.com/a.png"], 400, "invalid_request"],
    ["too many", Array.from({ length: 21 }, () => "a.png"), 400, "invalid_request"],
    ["a number", [1], 400, "invalid_request"],
    ["no list", "a.png", 400, "invalid_request"],
  ])("%s is refused", async (_what, inputImages, status, code) => {
    const { status: got, body } = await studioOf(edge, "with-bad").json("/api/generate", {
      prompt: "%say x",
      inputImages,
    });
    expect([got, body]).toEqual([status, expect.objectContaining({ success: false, code })]);
  });

  test("another account's upload is not there", async () => {
    const { answer } = await send(edge, "with-other", formOf(["a.png", PNG]));
    const body = { prompt: "%say x", inputImages: [answer.files![0]!.path] };
    for (const sessionId of [undefined, "some-session"]) {
      const got = await studioOf(edge, "with-mine").json("/api/generate", { ...body, sessionId });
      expect(got).toMatchObject({ status: 404, body: { code: "file_not_found" } });
    }
    expect(await all(edge.client("with-mine").sessions.list())).toEqual([]);
  });

  test("the same request again is the same turn", async () => {
    const studio = studioOf(edge, "with-once");
    const { answer } = await send(edge, "with-once", formOf(["a.png", PNG]));
    const init = { headers: { "idempotency-key": "images-1" } };
    const body = { prompt: "%say Once.", inputImages: [answer.files![0]!.path] };
    const first = await (await studio.ask("/api/generate", body, init)).text();
    const second = await (await studio.ask("/api/generate", body, init)).text();
    expect(/"sessionId":"([^"]+)"/.exec(second)![1]).toBe(/"sessionId":"([^"]+)"/.exec(first)![1]);
  });
});
