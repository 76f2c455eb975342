import { mintToken } from "@claude-edge/client/tokens";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { all } from "../support/tokens.js";
import { eventsOf, sessionIn, studioOf } from "./studio-client.js";
import { formOf, PNG, send, type Uploaded } from "./studio-uploads.js";

const edge = useStack("dialects");

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

  test.each([
    ["page.html", "application/octet-stream", "attachment"],
    ["tricky.png.html", "application/octet-stream", "attachment"],
    ["ünï cödé.png", "image/png", "inline"],
  ])("%s is %s, %s", async (name, type, disposition) => {
    const account = "media-types";
    const session = await edge.client(account).sessions.create();
    await session.files.put(`outputs/${name}`, "<script>alert(1)</script>");
    const path = `/api/media/outputs/${session.id}/${encodeURIComponent(name)}`;
    const response = await edge.fetch(path, { account });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": type,
      "content-disposition": disposition,
      "x-content-type-options": "nosniff",
    });
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
  const account = "media-turns";
  const studio = studioOf(edge, account);

  /** The images of the last request that the model was sent of a prompt, and all of its messages as text. */
  const shown = async (prompt: string) => {
    const { messages } = (await edge.asked(prompt)).at(-1)!.body;
    const blocks = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
    return {
      images: blocks.filter(({ type }) => type === "image"),
      text: JSON.stringify(messages),
    };
  };
  const source = { media_type: "image/png", data: PNG.toString("base64") };

  test("uploaded ones are seen by the model and found by the agent", async () => {
    const { answer } = await send(edge, account, formOf(["a.png", PNG], ["b.png", PNG]));
    const [png, other] = answer.files!;
    const prompt =
      '%tool Bash {"command":"cat attachments/*.png | head -c 4 | tail -c 3"}\n%say Pictures seen.';
    const events = await studio.stream("/api/generate", {
      prompt,
      inputImages: [png!.path, other!.url],
    });
    expect(events.at(-1)).toMatchObject({ type: "complete", response: "Pictures seen." });
    expect(JSON.stringify(events)).toContain('"summary":"PNG"');
    const { images, text } = await shown("Pictures seen.");
    expect(images).toMatchObject([{ source }, { source }]);
    expect(text).toContain(`- Reference 1: attachments/${png!.filename}`);
    const files = await all(
      edge.client(account).sessions.open(sessionIn(events)).files.list("attachments"),
    );
    expect(files.map(({ path }) => path).toSorted()).toEqual(
      [`attachments/${other!.filename}`, `attachments/${png!.filename}`].toSorted(),
    );
  });

  test("in a session that a client names, new or not; also of its own workspace; once by the same key", async () => {
    const { answer } = await send(edge, account, formOf(["a.png", PNG]));
    const [{ path, filename }] = answer.files as [Uploaded];
    const turn = async (prompt: string, image: string, headers = {}) => {
      const body = { prompt, sessionId: "shoot-9", inputImages: [image] };
      const response = await studio.ask("/api/generate-stream", body, { headers });
      return all(eventsOf(response));
    };
    const headers = { "idempotency-key": "images-1" };
    const first = await turn("%say First picture.", path, headers);
    expect(first.at(-1)).toMatchObject({ type: "complete" });
    expect((await turn("%say First picture.", path, headers)).at(-1)).toEqual(first.at(-1));
    expect((await turn("%say Second picture.", path)).at(-1)).toMatchObject({ type: "complete" });
    const own = await turn("%say Third picture.", `attachments/${filename}`);
    expect(own.at(-1)).toMatchObject({ type: "complete" });
    expect((await shown("Third picture.")).images).toMatchObject([
      { source },
      { source },
      { source },
    ]);
  });

  test("what an agent has made is in its session's folder `outputs`", async () => {
    const made = { file_path: "outputs/frames/one.txt", content: "frame one" };
    const prompt = `%tool Write ${JSON.stringify(made)}\n%say Done.`;
    expect(sessionIn(await studio.generate(prompt, "shoot-9"))).toBe("shoot-9");
    for (const prefix of ["/api/media", ""]) {
      const response = await studio.ask(`${prefix}/outputs/shoot-9/frames/one.txt`);
      expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(await response.text()).toBe("frame one");
    }
    expect((await studio.ask("/api/media/outputs/shoot-2/frames/one.txt")).status).toBe(404);
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
});
