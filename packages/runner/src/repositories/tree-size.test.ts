import { expect, test } from "vitest";

import { TreeSizeReader } from "./tree-size.js";

const LISTED = Buffer.from(
  [
    "100644 blob 0123456789012345678901234567890123456789      12\tREADME.md",
    "120000 blob 0123456789012345678901234567890123456789       3\ta\tb\nc",
    "160000 commit 0123456789012345678901234567890123456789       -\tsubmodule",
    "100755 blob 0123456789012345678901234567890123456789 1000000\tbig",
    "",
  ].join("\0"),
);

test("entries are summed up wherever they are cut", () => {
  for (let size = 1; size <= LISTED.length; size += 1) {
    const reader = new TreeSizeReader();
    for (let at = 0; at < LISTED.length; at += size) reader.read(LISTED.subarray(at, at + size));
    expect(reader.size).toEqual({ files: 4, bytes: 1_000_015 });
  }
});
