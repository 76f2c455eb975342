import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

import { withAttachments } from "./attachments.js";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "attachments-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
});

/** A file that begins so, and has a size. */
function write(path: string, head: string, size = head.length): string {
  const content = Buffer.alloc(size);
  content.write(head, "latin1");
  writeFileSync(join(root, path), content);
  return path;
}

const attach = async (...paths: string[]) =>
  (await withAttachments(root, paths, "Look.")) as Record<string, unknown>[];

describe("files that go with a prompt", () => {
  test.each([
    ["\x89PNG\r\n\x1a\n", "image/png"],
    ["\xff\xd8\xff", "image/jpeg"],
    ["GIF87a", "image/gif"],
    ["GIF89a", "image/gif"],
    ["RIFF\0\0\0\0WEBP", "image/webp"],
  ])("are images by what they hold: %j", async (head, type) => {
    const [image, prompt] = await attach(write("no-name", head, 30));
    expect(image).toMatchObject({ type: "image", source: { type: "base64", media_type: type } });
    const { data } = (image as { source: { data: string } }).source;
    expect(Buffer.from(data, "base64")).toHaveLength(30);
    expect(prompt).toEqual({ type: "text", text: "Look." });
  });

  test("are PDFs by what they hold, with their name", async () => {
    mkdirSync(join(root, "in"));
    expect(await attach(write("in/doc", "%PDF-1.7"))).toMatchObject([
      { type: "document", title: "doc", source: { media_type: "application/pdf" } },
      { type: "text", text: "Look." },
    ]);
  });

  test("are named with their sizes when they are something else, or too large", async () => {
    const paths = [
      write("data.csv", "a,b\n", 12_000),
      write("fake.png", "not one"),
      write("large.png", "\x89PNG\r\n\x1a\n", 4_000_000),
      write("empty", ""),
    ];
    expect(await attach(...paths)).toEqual([
      {
        type: "text",
        text: "Attached files, in the workspace: data.csv (12 kB), fake.png (7 bytes), large.png (4 MB), empty (0 bytes)",
      },
      { type: "text", text: "Look." },
    ]);
  });

  test("are shown as far as a request has room for them, and then named", async () => {
    const paths = ["1.pdf", "2.pdf", "3.pdf"].map((path) => write(path, "%PDF-1.7", 9_000_000));
    const blocks = await attach(...paths, write("4.png", "\x89PNG\r\n\x1a\n", 30));
    expect(blocks.map(({ type }) => type)).toEqual([
      "document",
      "document",
      "image",
      "text",
      "text",
    ]);
    expect(blocks[3]).toMatchObject({ text: expect.stringMatching(/: 3\.pdf \(9 MB\)$/) });
  });

  test("may be links that stay inside", async () => {
    write("a", "one");
    symlinkSync("a", join(root, "link"));
    expect(await attach("link")).toMatchObject([
      { text: expect.stringContaining("link (3 bytes)") },
      { text: "Look." },
    ]);
  });

  test.each(["missing", "../secret", "/etc/hostname", "folder", "out", "circle"])(
    "are not there: %s",
    async (path) => {
      mkdirSync(join(root, "folder"));
      symlinkSync("/etc/hostname", join(root, "out"));
      symlinkSync("circle", join(root, "circle"));
      await expect(attach(path)).rejects.toMatchObject({ code: "file_not_found" });
    },
  );
});
