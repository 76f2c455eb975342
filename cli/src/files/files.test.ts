import { describe, expect, test } from "vitest";

import { findCollision } from "./collisions.js";
import { leadsOut } from "./links.js";
import { changeLine, modeText } from "./listing.js";
import { humanBytes } from "../terminal/bytes.js";
import { progressLine } from "../terminal/progress.js";

describe("names that a disk takes for the same", () => {
  const folding = { ignoresCase: true, ignoresForm: true };
  const plain = { ignoresCase: false, ignoresForm: false };

  test.each([
    [
      ["a.txt", "A.TXT"],
      ["a.txt", "A.TXT"],
    ],
    [
      ["src/a", "SRC/b"],
      ["src", "SRC"],
    ],
    [
      ["lib", "Lib/x"],
      ["lib", "Lib"],
    ],
    [
      ["caf\u00e9", "cafe\u0301"],
      ["caf\u00e9", "cafe\u0301"],
    ],
    [
      ["stra\u00dfe", "STRASSE"],
      ["stra\u00dfe", "STRASSE"],
    ],
    [["a", "b", "src/a", "src/b"], undefined],
  ])("%j: %j", (paths, collision) => {
    expect(findCollision(paths, folding)).toEqual(collision);
    expect(findCollision(paths, plain)).toBeUndefined();
  });
});

describe("a link", () => {
  const links = new Map([
    ["deep/er/up", "../.."],
    ["abs", "/etc"],
    ["loop", "loop"],
    ["src", "lib"],
  ]);

  test.each([
    ["a", "b"],
    ["a", "./b/../c"],
    ["a/b", "../c"],
    ["a/b/c", "../../d"],
    ["a", "src/main.ts"],
    ["a", "deep/er/up/x"],
    ["a", "nowhere/at/all"],
  ])("%s to %s stays inside", (path, target) => {
    expect(leadsOut(path, target, links)).toBe(false);
  });

  test.each([
    ["a", "/etc/passwd"],
    ["a", ".."],
    ["a", "../b"],
    ["a/b", "../../c"],
    ["a", "b/../../c"],
    // By its letters it stays, over the other link it does not.
    ["a", "deep/er/up/../x"],
    ["a", "abs/passwd"],
    ["a", "loop"],
    ["a", "C:\\Windows"],
    ["a", "\\\\server\\share"],
  ])("%s to %s leads out", (path, target) => {
    expect(leadsOut(path, target, links)).toBe(true);
  });
});

test("bytes for people", () => {
  const bytes = [0, 999, 1_000, 1_234, 9_949, 9_950, 99_499, 999_499, 999_500, 12_345_678, 2e15];
  expect(bytes.map(humanBytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 kB",
    "9.9 kB",
    "10 kB",
    "99 kB",
    "999 kB",
    "1.0 MB",
    "12 MB",
    "2000 TB",
  ]);
});

test("permissions, and what became of them", () => {
  const entry = { path: "a", type: "file", mode: 0o754, size: 1 } as const;
  expect(modeText(entry)).toBe("-rwxr-xr--");
  expect(modeText({ ...entry, type: "symlink", mode: 0o777 })).toBe("lrwxrwxrwx");
  expect(
    changeLine({
      path: "a",
      change: "modified",
      before: entry,
      after: { ...entry, type: "symlink" },
    }),
  ).toBe("M  a  file → symlink\n");
});

test("a transfer's line, with and without a known end", () => {
  expect(progressLine("getting", { bytes: 500_000, total: 1_000_000 }, 500)).toBe(
    `getting  [${"=".repeat(15)}${" ".repeat(15)}] 50 %  500 kB  1.0 MB/s`,
  );
  expect(progressLine("pulling", { bytes: 2_000, total: undefined }, 1_000)).toBe(
    "pulling  2.0 kB  2.0 kB/s",
  );
});
