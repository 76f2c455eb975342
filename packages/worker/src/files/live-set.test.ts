import { expect, test } from "vitest";

import { sha256 } from "../../test/support/workspace-entries.js";
import { LiveSet } from "./live-set.js";

const hashes = (name: string, count: number) =>
  Array.from({ length: count }, (_, at) => sha256(`${name} ${at}`));

test("has all that was added, and hardly anything else", () => {
  const added = hashes("added", 20_000);
  const set = new LiveSet(added.length);
  for (const hash of added) set.add(hash);
  expect(added.every((hash) => set.has(hash))).toBe(true);
  const others = hashes("other", 20_000).filter((hash) => set.has(hash));
  expect(others.length).toBeLessThan(60);
});

test("with more than it was made for has all of it still", () => {
  const added = hashes("added", 5_000);
  const set = new LiveSet(0);
  expect(set.has(added[0]!)).toBe(false);
  for (const hash of added) set.add(hash);
  expect(added.every((hash) => set.has(hash))).toBe(true);
});
