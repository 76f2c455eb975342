import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { curl } from "../support/curl.js";
import { useProject } from "../support/use-project.js";
import { useStack } from "../support/stack.js";
import { all } from "../support/tokens.js";
import { studioOf } from "./studio-client.js";
import { formOf, GIF, JPEG, PNG, send, WEBP } from "./studio-uploads.js";

const edge = useStack("dialects");

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

  test.each<[string, string, Buffer, string, string]>([
    ["JSON", "application/json", Buffer.from("{}"), "invalid_request", "Content-Type must be"],
    ["no parts", boundary, END, "invalid_request", "No files uploaded"],
    ["no end", boundary, part("images", "a.png"), "upload_cut", ""],
  ])("%s is refused", async (_what, type, body, code, said) => {
    const headers = { "content-type": type };
    const { status, answer } = await send(edge, "up-bad", new Uint8Array(body), headers);
    expect(answer).toMatchObject({ success: false, code });
    expect(answer.error).toContain(said);
    expect(status).toBe(400);
  });

  test("a form in any pieces is the same form", async () => {
    const whole = Buffer.concat([part("images", "a.png"), part("images", "b.gif", GIF), END]);
    for (const size of [7]) {
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
