import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

const SOURCES = join(import.meta.dirname, "..");

// After a rollback, older code writes to a table that has one more column.
test("every INSERT names its columns", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".ts") && !path.endsWith(".test.ts"),
  );
  const inserts = files.flatMap((path) =>
    (readFileSync(join(SOURCES, path), "utf8").match(/INSERT [A-Z ]*INTO\s+\w+\s+\S+/g) ?? []).map(
      (insert) => ({ path, insert }),
    ),
  );
  expect(inserts.length).toBeGreaterThan(20);
  expect(inserts.filter(({ insert }) => /\s(VALUES|SELECT)$/.test(insert))).toEqual([]);
});
