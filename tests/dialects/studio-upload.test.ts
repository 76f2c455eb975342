import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { curl } from "../support/curl.js";
import { useProject } from "../support/project.js";
import { useStack } from "../support/stack.js";
import { all } from "../support/tokens.js";
import { studioOf } from "./studio-client.js";
import { formOf, GIF, JPEG, PNG, send, WEBP } from "./studio-uploads.js";

const edge = useStack({ vars: { CLAUDE_EDGE_DIALECTS: "studio" } });

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
