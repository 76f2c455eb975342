import { describe, expect, test } from "vitest";

import { readInputImages, readUploads } from "./uploads.js";

const PNG = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1");
const GIF = Buffer.from("GIF89a and so on");
const JPEG = Buffer.from("\xff\xd8\xff\xe0", "latin1");
const WEBP = Buffer.from("RIFF\x1a\x00\x00\x00WEBPVP8L", "latin1");

const BOUNDARY = "multipart/form-data; boundary=b";
const END = Buffer.from("--b--\r\n");

function part(field: string, name?: string, content: string | Buffer = PNG): Buffer {
  const filename = name === undefined ? "" : `; filename="${name}"`;
  const head = `--b\r\ncontent-disposition: form-data; name="${field}"${filename}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from("\r\n")]);
}

function request(body: Buffer | ReadableStream, type?: string): Request {
  const headers = { "content-type": type ?? "" };
  const bytes = body instanceof ReadableStream ? body : new Uint8Array(body);
  const init = { method: "POST", body: bytes, headers, duplex: "half" };
  return new Request("http://x/", init as RequestInit);
}

const streamOf = (pieces: Uint8Array[]): ReadableStream =>
  new ReadableStream({
    pull(controller) {
      const next = pieces.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });

const read = (...parts: Buffer[]) => readUploads(request(Buffer.concat([...parts, END]), BOUNDARY));

describe("a form of images", () => {
  test("is told by their first bytes, whatever they are called", async () => {
    const { uploads, errors } = await read(
      part("images", "hero.png"),
      part("images", "b.JPEG", JPEG),
      part("images", "c.png", GIF),
      part("images", "d", WEBP),
    );
    expect(errors).toEqual([]);
    expect(
      uploads.map(({ originalName, mimetype, size }) => [originalName, mimetype, size]),
    ).toEqual([
      ["hero.png", "image/png", PNG.length],
      ["b.JPEG", "image/jpeg", JPEG.length],
      ["c.png", "image/gif", GIF.length],
      ["d", "image/webp", WEBP.length],
    ]);
    for (const { filename } of uploads) {
      expect(filename).toMatch(/^\d+-[0-9a-f-]{36}\.(png|jpg|gif|webp)$/);
    }
  });

  test("has names of its own, wherever theirs lead", async () => {
    const names = [
      "../../etc/passwd.png",
      "/abs.png",
      "a\\..\\b.png",
      "ü 雪.png",
      "..",
      "..",
      "..",
    ];
    const { uploads } = await read(...names.map((name) => part("images", name)));
    expect(uploads).toHaveLength(names.length);
    for (const { filename } of uploads) expect(filename).toMatch(/^\d+-[0-9a-f-]{36}\.png$/);
    expect(new Set(uploads.map(({ filename }) => filename)).size).toBe(names.length);
    expect(uploads.map(({ originalName }) => originalName)).toContain("ü 雪.png");
  });

  test("leaves out what is no image, or empty, or too large, and says so", async () => {
    const large = Buffer.concat([PNG, Buffer.alloc(10 * 1024 * 1024)]);
    const { uploads, errors } = await read(
      part("images", "x.png", "<script>alert(1)</script>"),
      part("images", "empty.png", ""),
      part("images", "l.png", large),
      part("images", "y.png"),
    );
    expect(uploads.map(({ originalName }) => originalName)).toEqual(["y.png"]);
    expect(errors).toEqual([
      "x.png: Invalid file type (unknown)",
      "empty.png: Invalid file type (unknown)",
      "l.png: File too large (max 10MB)",
    ]);
  });

  test("is the same in any pieces", async () => {
    const whole = Buffer.concat([part("images", "a.png"), part("images", "b.gif", GIF), END]);
    for (const size of [1, 3, 7, 64]) {
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        Uint8Array.from(whole.subarray(index * size, (index + 1) * size)),
      );
      const { uploads } = await readUploads(request(streamOf(pieces), BOUNDARY));
      expect(uploads.map(({ size: bytes }) => bytes)).toEqual([PNG.length, GIF.length]);
    }
  });

  test.each([true, false])("is refused when it is too large; its length said: %s", async (said) => {
    const large = Buffer.concat([PNG, Buffer.alloc(9 * 1024 * 1024)]);
    const body = Buffer.concat([
      ...Array.from({ length: 4 }, () => part("images", "l.png", large)),
      END,
    ]);
    const given = request(body, BOUNDARY);
    if (said) given.headers.set("content-length", String(body.length));
    await expect(readUploads(given)).rejects.toMatchObject({ code: "file_too_large" });
  });

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
    ["no body", BOUNDARY, Buffer.alloc(0), "invalid_request", "empty"],
    ["no parts", BOUNDARY, END, "invalid_request", "No files uploaded"],
    [
      "a field in which nothing was chosen",
      BOUNDARY,
      Buffer.concat([part("images", "", ""), END]),
      "invalid_request",
      "No files uploaded",
    ],
    [
      "a text where files go",
      BOUNDARY,
      Buffer.concat([part("images", undefined, "x"), END]),
      "invalid_request",
      "No files uploaded",
    ],
    [
      "another field",
      BOUNDARY,
      Buffer.concat([part("file", "a.png"), END]),
      "invalid_request",
      "file: there is no such field",
    ],
    [
      "eleven files",
      BOUNDARY,
      Buffer.concat([...Array.from({ length: 11 }, () => part("images", "a.png")), END]),
      "invalid_request",
      "Maximum 10 files allowed",
    ],
    [
      "a name that is not UTF-8",
      BOUNDARY,
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
    ["no end", BOUNDARY, part("images", "a.png"), "upload_cut", ""],
    ["cut off in a file", BOUNDARY, part("images", "a.png").subarray(0, 80), "upload_cut", ""],
  ])("%s is refused", async (_what, type, body, code, said) => {
    const error = await readUploads(request(body, type)).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect(error!.message).toContain(said);
  });
});

describe("images of a prompt", () => {
  test("are uploads by any of their names, and files of the session's workspace", async () => {
    const upload = "1-a.png";
    for (const name of [`uploads/${upload}`, `/uploads/${upload}`]) {
      for (const image of [name, `/storage/uploads/${upload}`, `/api/media/uploads/${upload}`]) {
        expect(await readInputImages("ada", [image])).toMatchObject({
          paths: [`attachments/${upload}`],
          borrowed: { paths: [`uploads/${upload}`] },
        });
      }
    }
    const own = "attachments/b.png";
    expect(await readInputImages("ada", [own])).toEqual({
      paths: [own],
      attachments: [{ path: own }],
    });
    const [one, other] = [
      await readInputImages("a", ["uploads/a.png"]),
      await readInputImages("b", ["uploads/a.png"]),
    ];
    expect(one.borrowed!.session).not.toBe(other.borrowed!.session);
    expect(await readInputImages("ada", [])).toEqual({ paths: [] });
  });

  test.each([
    "/etc/passwd",
    "../other/a.png",
    "/storage/uploads/../secret.png",
    "https://example.com/a.png",
  ])("%s is refused", async (image) => {
    await expect(readInputImages("ada", [image])).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(image),
    });
  });
});
