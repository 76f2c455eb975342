import { expect, test } from "vitest";

import { MAX_FILE_NAME_BYTES, MAX_FILE_PATH_BYTES, pathProblem } from "./files.js";

/** A path of that many bytes, in names of 250. */
const long = (bytes: number) => "x".repeat(bytes).replaceAll(/(x{250})x(?=x)/g, "$1/");

test.each(["a", "src/main.ts", ".hidden", "..a", "a..", "ü/日本.txt", "a b#?%2F\\c", "...", "a\n"])(
  "%j is a path",
  (path) => expect(pathProblem(path)).toBeUndefined(),
);

test.each([
  ["", "empty"],
  ["/etc/passwd", "relative"],
  ["a\0b", "NUL"],
  ["\ud800", "Unicode"],
  ["..", ".."],
  ["a/../b", ".."],
  ["./a", ".."],
  ["a//b", "empty name"],
  ["a/", "empty name"],
])("%j is none: must not be … %s", (path, word) => expect(pathProblem(path)).toContain(word));

test("lengths count in bytes, of the whole and of each name", () => {
  expect(pathProblem("x".repeat(MAX_FILE_NAME_BYTES))).toBeUndefined();
  expect(pathProblem("x".repeat(MAX_FILE_NAME_BYTES + 1))).toContain("names of 255 bytes");
  expect(pathProblem(`${"ü".repeat(127)}x`)).toBeUndefined();
  expect(pathProblem("ü".repeat(128))).toContain("names of 255 bytes");
  expect(pathProblem(long(MAX_FILE_PATH_BYTES))).toBeUndefined();
  expect(pathProblem(long(MAX_FILE_PATH_BYTES + 1))).toContain("4095 bytes");
});
