import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { localRootKey } from "./root-key.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "root-key-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a stack that keeps its data has one root key, for its owner's eyes", () => {
  const persist = join(folder, "state");
  const key = localRootKey(persist);
  expect(key).toMatch(/^ce_root_[\w-]{32}$/);
  expect(localRootKey(persist)).toBe(key);
  expect(statSync(join(persist, "root-key")).mode & 0o777).toBe(0o600);
  expect(localRootKey(join(folder, "other"))).not.toBe(key);
  expect(localRootKey(undefined)).not.toBe(localRootKey(undefined));
});
