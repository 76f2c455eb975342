import { randomBytes } from "node:crypto";

import { toWireError } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { addTo, inChunks, TestBlobs } from "../../test/support/test-blobs.js";
import { sha256 } from "../../test/support/workspace-entries.js";

const MIB = 1024 * 1024;
const withCode = (code: string) => expect.objectContaining({ code });
const none = { packs: 0, parts: 0 };
const packs = (blobs: TestBlobs) => blobs.index.packsAfter(-1, 9);

describe("contents", () => {
  test("are read as they were written: small, large and none at all; each is kept once", async () => {
    const blobs = new TestBlobs();
    const contents = [
      Buffer.from("one"),
      Buffer.alloc(0),
      randomBytes(2.5 * MIB),
      randomBytes(MIB),
    ];
    const hashes = await blobs.add(...contents);
    expect(hashes).toEqual(contents.map(sha256));
    for (const [index, hash] of hashes.entries()) {
      expect((await blobs.bytesOf(hash)).equals(contents[index]!)).toBe(true);
    }
    const before = blobs.packs;
    expect(await blobs.add(...contents.toReversed())).toEqual(hashes.toReversed());
    expect(blobs.packs).toEqual(before);
    expect(blobs.missing([sha256("one"), sha256("two"), sha256("two")])).toEqual([sha256("two")]);
    expect([blobs.has(sha256("one")), blobs.has(sha256("two"))]).toEqual([true, false]);
  });

  test("may be read in part, across the rows that they are kept in", async () => {
    const blobs = new TestBlobs();
    const content = randomBytes(3 * MIB + 5);
    const [small, hash] = await blobs.add("in a pack", content);
    for (const [start, length] of [
      [0, 1],
      [MIB - 3, 6],
      [MIB - 3, MIB + 6],
      [3 * MIB + 4, 1],
      [0, 3 * MIB + 5],
    ] as const) {
      const part = await blobs.bytesOf(hash!, { start, length });
      expect(part.equals(content.subarray(start, start + length))).toBe(true);
    }
    expect(String(await blobs.bytesOf(small!, { start: 3, length: 1 }))).toBe("a");
    expect(await blobs.bytesOf(small!, { start: 3, length: 0 })).toHaveLength(0);
  });

  test("come together in the order in which they are kept", async () => {
    const blobs = new TestBlobs();
    const contents = [
      ...Array.from({ length: 50 }, (_, at) => `content ${at}`),
      "",
      "x".repeat(2 * MIB),
    ];
    const hashes = await blobs.add(...contents);
    const read = [];
    for await (const { hash, size, bytes } of blobs.readMany(hashes.toReversed())) {
      const chunks = [];
      for await (const chunk of bytes) chunks.push(chunk);
      const content = Buffer.concat(chunks).toString();
      expect([sha256(content), content.length]).toEqual([hash, size]);
      read.push(hash);
    }
    expect(read.toSorted()).toEqual(hashes.toSorted());
    expect(read.slice(0, 50)).toEqual(hashes.slice(0, 50));
  });

  test("that are not what was expected are not kept, nor what was written with them", async () => {
    const blobs = new TestBlobs();
    for (const expected of [{ hash: sha256("two") }, { size: 4 }]) {
      const work = blobs.write(async (writer) => {
        await addTo(writer, "before");
        await writer.add(inChunks("one"), { size: 3, ...expected });
      });
      await expect(work).rejects.toThrow(withCode("file_damaged"));
    }
    const large = randomBytes(2 * MIB);
    const work = blobs.write((writer) => writer.add(inChunks(large), { size: 3 * MIB }));
    await expect(work).rejects.toThrow(withCode("file_damaged"));
    expect([blobs.packs, blobs.has(sha256("before")), blobs.busy]).toEqual([none, false, false]);
  });

  test("of a write that breaks off are not there; of a pack that was whole before, they are", async () => {
    const blobs = new TestBlobs();
    const large = randomBytes(2 * MIB);
    const work = blobs.write(async (writer) => {
      await addTo(writer, large);
      await addTo(writer, "small");
      throw new Error("broken off");
    });
    await expect(work).rejects.toThrow("broken off");
    expect([blobs.has(sha256(large)), blobs.has(sha256("small"))]).toEqual([true, false]);
    expect(blobs.packs.packs).toBe(1);
  });

  test("that are not what was stored are said to be damaged, and can be stored again", async () => {
    const blobs = new TestBlobs();
    const [hash] = await blobs.add("content");
    blobs.sql.exec("UPDATE pack_parts SET data = ?", new Uint8Array(Buffer.from("CONTENT")).buffer);
    await expect(blobs.bytesOf(hash!)).rejects.toThrow(withCode("file_damaged"));
    await expect(blobs.bytesOf(hash!)).rejects.toThrow(withCode("file_damaged"));
    await blobs.add("content");
    expect(String(await blobs.bytesOf(hash!))).toBe("content");
    blobs.sql.exec("DELETE FROM pack_parts");
    await expect(blobs.bytesOf(hash!)).rejects.toThrow(withCode("file_damaged"));
  });
});

describe("room for contents", () => {
  test("that is taken is said, and is there again when they are collected", async () => {
    const blobs = new TestBlobs(8 * MIB);
    const first = randomBytes(6 * MIB);
    const [kept] = await blobs.add("kept", first);
    const full = blobs.add(randomBytes(3 * MIB));
    await expect(full).rejects.toThrow(withCode("storage_full"));
    expect(toWireError(await full.catch((error: unknown) => error))).toMatchObject({
      retryable: false,
      details: { limit_bytes: 8 * MIB },
      suggestion: expect.stringContaining('"binding": "FILES"'),
    });
    // Nothing of it was left behind.
    const small = await blobs.add("small");
    blobs.sweep(packs(blobs), (hash) => hash !== sha256(first));
    await blobs.add(randomBytes(7 * MIB));
    expect(String(await blobs.bytesOf(kept!))).toBe("kept");
    expect(String(await blobs.bytesOf(small[0]!))).toBe("small");
  });

  test("is made of a pack that is less than half alive: what is left of it moves", async () => {
    const blobs = new TestBlobs();
    const contents = Array.from({ length: 8 }, () => randomBytes(100_000));
    const hashes = await blobs.add(...contents, "");
    const alive = new Set([...hashes.slice(0, 4), hashes[8]!]);
    expect(blobs.sweep(packs(blobs), (hash) => alive.has(hash))).toEqual([]);
    for (const hash of hashes.slice(1, 5)) alive.delete(hash);
    const [sparse] = blobs.sweep(packs(blobs), (hash) => alive.has(hash));
    expect(sparse).toMatchObject({ size: 800_000 });
    await blobs.rewrite(sparse!);
    expect(packs(blobs)).toMatchObject([{ size: 100_000, whole: 1 }]);
    expect((await blobs.bytesOf(hashes[0]!)).equals(contents[0]!)).toBe(true);
    expect(await blobs.bytesOf(hashes[8]!)).toHaveLength(0);
    expect(blobs.sweep(packs(blobs), (hash) => hash === hashes[8])).toHaveLength(1);
    blobs.sweep(packs(blobs), () => false);
    expect(blobs.packs).toEqual(none);
  });

  test("is not made of a pack that is being written, but of one whose write was cut off", async () => {
    const blobs = new TestBlobs();
    await blobs.write(async (writer) => {
      await addTo(writer, "being written");
      expect(blobs.busy).toBe(true);
      blobs.sweep(packs(blobs), () => false);
      await writer.end();
    });
    expect(String(await blobs.bytesOf(sha256("being written")))).toBe("being written");
    blobs.index.addPack(undefined);
    expect(packs(blobs)).toHaveLength(2);
    blobs.sweep(packs(blobs), () => true);
    expect(packs(blobs)).toHaveLength(1);
  });
});
