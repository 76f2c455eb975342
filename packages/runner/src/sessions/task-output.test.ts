import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { cutOutput, overgrownTasks } from "./task-output.js";

let temp: string;
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), "output-"));
});
afterEach(() => {
  rmSync(temp, { recursive: true, force: true });
});

test("tasks with too much output are found, and their output is cut off", async () => {
  const tasks = join(temp, "claude-0/-workspace-s/s/tasks");
  mkdirSync(tasks, { recursive: true });
  const large = join(tasks, "large.output");
  writeFileSync(large, "x".repeat(101));
  writeFileSync(join(tasks, "small.output"), "x".repeat(100));
  writeFileSync(join(tasks, "other.txt"), "x".repeat(101));
  symlinkSync(large, join(tasks, "link.output"));
  expect(await overgrownTasks(temp, "s", 100)).toEqual([{ task: "large", file: large }]);
  expect(await overgrownTasks(temp, "other", 100)).toEqual([]);
  await cutOutput(large, 100);
  expect(statSync(large).size).toBe(100);
  expect(await overgrownTasks(temp, "s", 100)).toEqual([]);
  await expect(cutOutput(join(tasks, "link.output"), 1)).rejects.toThrow(/ELOOP/);
});
