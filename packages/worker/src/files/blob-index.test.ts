import { createHash } from "node:crypto";
import { beforeEach, expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import { BlobIndex } from "./blob-index.js";

let { sql } = sessionStorage();
let index = new BlobIndex(sql);
beforeEach(() => {
  ({ sql } = sessionStorage());
  index = new BlobIndex(sql);
});

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

/** Adds a pack of contents of one byte each. */
function add(pack: number, ...hashes: string[]): void {
  sql.exec("INSERT INTO packs VALUES (?, 'sql', 0, 0, '[]')", pack);
  index.add(pack, hashes.length, new Map(hashes.map((hash, start) => [hash, { start, size: 1 }])));
}

const places = (...hashes: string[]) =>
  hashes.map((hash) => {
    const { pack, start } = index.find(hash) ?? {};
    return pack === undefined ? undefined : `${pack}/${start}`;
  });

test("a blob is found where it is, also after a restart, and by many at once", () => {
  const [a, b, c] = ["a", "b", "c"].map(hashOf) as [string, string, string];
  add(1, a, b);
  expect(places(a, b, c)).toEqual(["1/0", "1/1", undefined]);
  add(2, c);
  expect(places(a, b, c)).toEqual(["1/0", "1/1", "2/0"]);
  index = new BlobIndex(sql);
  expect([...index.findAll([c, a, hashOf("d")]).keys()].toSorted()).toEqual([a, c].toSorted());
});

test("blobs whose hashes begin alike are told apart", () => {
  const [one, two, three] = ["1", "2", "3"].map((end) => "0123456".padEnd(63, "0") + end) as [
    string,
    string,
    string,
  ];
  add(1, one, two);
  add(2, three);
  expect(places(one, two, three)).toEqual(["1/0", "1/1", "2/0"]);
  index.keep(1, (hash) => hash === two);
  expect(places(one, two, three)).toEqual([undefined, "1/1", "2/0"]);
  index.keep(2, () => false);
  expect(places(one, two, three)).toEqual([undefined, "1/1", undefined]);
});

test("a blob that is in two packs is found until neither has it", () => {
  const hash = hashOf("twice");
  add(1, hash);
  add(2, hash);
  index.keep(1, () => false);
  expect(places(hash)).toEqual(["2/0"]);
  index.keep(2, () => false);
  expect(places(hash)).toEqual([undefined]);
});

test("of many packs few are held, and all are found", () => {
  const hashes = Array.from({ length: 50 }, (_, pack) => hashOf(String(pack)));
  for (const [pack, hash] of hashes.entries()) add(pack, hash);
  expect(places(...hashes, ...hashes.toReversed())).toEqual(
    [...hashes.keys(), ...[...hashes.keys()].toReversed()].map((pack) => `${pack}/0`),
  );
});
