import { expect, test } from "vitest";

import { eachAtMost } from "./each-at-most.js";

test("each item is worked on once, so many at a time", async () => {
  let [running, most] = [0, 0];
  const done: number[] = [];
  await eachAtMost(3, new Set([1, 2, 3, 4, 5, 6, 7]), async (item) => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setTimeout(resolve, item % 2));
    running -= 1;
    done.push(item);
  });
  expect(most).toBe(3);
  expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("a failure is told, and without items there is nothing to do", async () => {
  await eachAtMost(3, [], () => Promise.reject(new Error("not called")));
  const failing = eachAtMost(3, [1], () => Promise.reject(new Error("failed")));
  await expect(failing).rejects.toThrow("failed");
});
