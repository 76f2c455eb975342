import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Uploads } from "./uploads.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const busy = expect.objectContaining({ code: "session_busy" });

/** Uploads that end when they are told to. */
function begin(uploads: Uploads, count: number) {
  return Array.from({ length: count }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const upload = { isBegun: false, end: resolve, fail: reject, done: Promise.resolve() };
    upload.done = uploads.run(() => {
      upload.isBegun = true;
      return promise;
    });
    upload.done.catch(() => {});
    return upload;
  });
}
const begun = (list: { isBegun: boolean }[]) => list.map(({ isBegun }) => isBegun);
const settled = () => vi.advanceTimersByTimeAsync(0);

test("two are received at once, and the others in their order when one has ended or failed", async () => {
  const list = begin(new Uploads(), 4);
  expect(begun(list)).toEqual([true, true, false, false]);
  list[1]!.end();
  await settled();
  expect(begun(list)).toEqual([true, true, true, false]);
  list[0]!.fail(new Error("cut"));
  await settled();
  expect(begun(list)).toEqual([true, true, true, true]);
  await expect(list[0]!.done).rejects.toThrow("cut");
  expect(vi.getTimerCount()).toBe(0);
});

test("more than 20 do not wait, and none waits longer than a minute", async () => {
  const uploads = new Uploads();
  const list = begin(uploads, 23);
  await expect(list[22]!.done).rejects.toEqual(busy);
  await vi.advanceTimersByTimeAsync(60_000);
  for (const { done } of list.slice(2, 22)) await expect(done).rejects.toEqual(busy);
  for (const { end } of list) end();
  await settled();
  const [next] = begin(uploads, 1);
  expect(next!.isBegun).toBe(true);
});
