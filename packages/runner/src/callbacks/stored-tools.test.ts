import { afterEach, expect, test, vi } from "vitest";

import { StoredTools, toolResultsIn } from "./stored-tools.js";

const entry = (...ids: string[]) => ({
  type: "assistant",
  message: { content: ids.map((id) => ({ type: "tool_use", id })) },
});

const answer = (...ids: string[]) => ({
  type: "user",
  message: { content: ids.map((id) => ({ type: "tool_result", tool_use_id: id })) },
});

afterEach(() => {
  vi.useRealTimers();
});

test("a tool use is waited for until its entry is stored, and not when it is already", async () => {
  vi.useFakeTimers();
  const stored = new StoredTools();
  stored.add([{ type: "user", message: { content: "text" } }, { type: "summary" }, entry("a")]);
  expect(await stored.whenUsed("a")).toBe(true);
  let isStored = false;
  const waiting = stored.whenUsed("b").then((is) => (isStored = is));
  stored.add([entry("c"), answer("b")]);
  await vi.advanceTimersByTimeAsync(500);
  expect(isStored).toBe(false);
  stored.add([entry("d", "b")]);
  expect(await waiting).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("its result is waited for by itself", async () => {
  vi.useFakeTimers();
  const stored = new StoredTools();
  stored.add([entry("a")]);
  let isStored = false;
  const waiting = stored.whenAnswered("a").then((is) => (isStored = is));
  await vi.advanceTimersByTimeAsync(500);
  expect(isStored).toBe(false);
  stored.add([answer("b", "a")]);
  expect(await waiting).toBe(true);
  expect(await stored.whenAnswered("b")).toBe(true);
});

test("one that is never stored is not waited for longer than a second; another turn begins anew", async () => {
  vi.useFakeTimers();
  const stored = new StoredTools();
  stored.add([entry("a"), answer("a")]);
  stored.clear();
  let patience = true;
  const waiting = Promise.all([stored.whenUsed("a"), stored.whenAnswered("a")]);
  void waiting.then(() => (patience = false));
  await vi.advanceTimersByTimeAsync(999);
  expect(patience).toBe(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(await waiting).toEqual([false, false]);
});

test("the results in a message are found by their tool uses", () => {
  expect(toolResultsIn(answer("a", "b").message)).toEqual(["a", "b"]);
  expect(toolResultsIn(entry("a").message)).toEqual([]);
  expect(toolResultsIn({ content: "text" })).toEqual([]);
  expect(toolResultsIn(undefined)).toEqual([]);
});
