import { packTar, type TarHeader } from "modern-tar";
import { beforeEach, describe, expect, test } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { inChunks, TestBlobs } from "../../test/support/test-blobs.js";
import {
  deleted,
  directory,
  file,
  newTrees,
  sha256,
  stateOf,
  symlink,
} from "../../test/support/workspace-entries.js";
import { streamOf } from "./byte-reader.js";
import type { FileStore } from "./file-store.js";
import { packFolder, unpackInto } from "./tar.js";

let blobs: TestBlobs;

beforeEach(() => {
  blobs = new TestBlobs();
});

type Entry = Partial<TarHeader> & { name: string; body?: string };

const tarOf = async (...entries: Entry[]): Promise<Uint8Array> =>
  packTar(
    entries.map(({ body = "", ...header }) => ({
      header: { size: Buffer.byteLength(body), ...header },
      body,
    })),
  );

const unpack = (chunks: Uint8Array[], folder = "") =>
  blobs.write(async (writer) => {
    const entries = await unpackInto(writer, streamOf(inChunks(...chunks)), folder);
    await writer.end();
    return entries;
  });

describe("a tar that is unpacked", () => {
  test("gives what it changes, in a folder, and stores what files hold", async () => {
    const deep = `${"d".repeat(90)}/${"e".repeat(90)}/${"ü".repeat(80)}.txt`;
    const tar = await tarOf(
      { name: "./", type: "directory" },
      { name: "./run.sh", mode: 0o4755, body: "#!/bin/sh" },
      { name: "nothing/", type: "directory", mode: 0o700 },
      { name: "up", type: "symlink", linkname: "../other" },
      { name: deep, body: "deep" },
      { name: "empty" },
    );
    expect(await unpack([tar], "in")).toEqual([
      file("in/run.sh", "#!/bin/sh", 0o755),
      directory("in/nothing", 0o700),
      symlink("in/up", "../other"),
      file(`in/${deep}`, "deep"),
      file("in/empty"),
    ]);
    expect(String(await blobs.bytesOf(sha256("deep")))).toBe("deep");
  });

  test("may be split anywhere", async () => {
    const tar = await tarOf({ name: "a", body: "one" }, { name: "b", body: "x".repeat(600) });
    for (const split of [1, 100, 511, 512, 513, 514, 515, 1_023, 1_024, 1_536, 2_047, 2_100]) {
      const entries = await unpack([tar.subarray(0, split), tar.subarray(split)]);
      expect(entries).toEqual([file("a", "one"), file("b", "x".repeat(600))]);
    }
    const bytes = [...tar].map((byte) => Uint8Array.of(byte));
    expect(await unpack(bytes)).toEqual([file("a", "one"), file("b", "x".repeat(600))]);
  });

  test.each<[string, Entry]>([
    ["a path out", { name: "../x" }],
    ["a path out and in again", { name: "a/../../x" }],
    ["an absolute path", { name: "/etc/x" }],
    ["an empty name", { name: "a//b" }],
    ["a link out", { name: "a", type: "symlink", linkname: "../x" }],
    ["a link to /", { name: "a", type: "symlink", linkname: "/etc" }],
    ["a link to nothing", { name: "a", type: "symlink", linkname: "" }],
    ["a device", { name: "a", type: "character-device" }],
    ["a pipe", { name: "a", type: "fifo" }],
    ["a hard link", { name: "a", type: "link", linkname: "b" }],
  ])("is refused with %s", async (_what, entry) => {
    const work = unpack([await tarOf({ name: "before", body: "1" }, entry)]);
    await expect(work).rejects.toMatchObject({ code: "tar_invalid" });
    expect(blobs.has(sha256("1"))).toBe(false);
  });

  test("is refused when it is none, or ends too early", async () => {
    const tar = await tarOf({ name: "a", body: "x".repeat(5_000) });
    const cuts = [1, 511, 700, 2_048, 5_500].map((end) => [tar.subarray(0, end)]);
    for (const chunks of [[Buffer.from("x".repeat(2_000))], ...cuts]) {
      await expect(unpack(chunks)).rejects.toMatchObject({ code: "tar_invalid" });
    }
  });
});

describe("a folder that is packed", () => {
  test("is the same when it is unpacked again", async () => {
    const trees = newTrees();
    const large = "x".repeat(2_500_000);
    await blobs.add("one", large, "");
    const entries = [
      directory("d", 0o700),
      file("d/a", "one", 0o755),
      file("d/large", large),
      directory("empty"),
      file("nothing"),
      symlink("link", "d/a"),
    ];
    const root = stateOf(trees, entries);
    const files = { trees, blobs } as unknown as FileStore;
    const bytes = [];
    for await (const chunk of packFolder(files, root)) bytes.push(chunk);
    const unpacked = await unpack(bytes);
    expect(stateOf(trees, unpacked)).toBe(root);
    expect(stateOf(trees, [...unpacked, deleted("d")])).not.toBe(root);
  });

  test("breaks off at a content that is damaged", async () => {
    const said = captureLog();
    const trees = newTrees();
    await blobs.add("one");
    blobs.sql.exec("UPDATE pack_parts SET data = ?", new Uint8Array(Buffer.from("two")).buffer);
    const files = { trees, blobs } as unknown as FileStore;
    const tar = packFolder(files, stateOf(trees, [file("a", "one"), file("b", "one")]));
    const read = async () => {
      for await (const _chunk of tar) {
        // To its end.
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "file_damaged" });
    expect(said).toHaveLength(1);
  });
});
