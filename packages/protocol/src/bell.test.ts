import { setImmediate } from "node:timers/promises";

import { expect, test } from "vitest";

import { Bell } from "./bell.js";

const isPending = async (promise: Promise<unknown>) =>
  (await Promise.race([promise.then(() => "rung"), setImmediate("pending")])) === "pending";

test("a ring wakes the one that waits", async () => {
  const bell = new Bell();
  const waiting = bell.rung();
  expect(await isPending(waiting)).toBe(true);
  bell.ring();
  await waiting;
  expect(await isPending(bell.rung())).toBe(true);
});

test("rings while nobody waits are kept, as one", async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.rung();
  expect(await isPending(bell.rung())).toBe(true);
});

test("a ring between two waits is not lost, whatever has called it", async () => {
  const bell = new Bell();
  const { ring } = bell;
  const waiter = (async () => {
    for (let round = 0; round < 100; round += 1) await bell.rung();
    return "all were heard";
  })();
  for (let round = 0; round < 100; round += 1) {
    ring();
    await setImmediate();
  }
  expect(await waiter).toBe("all were heard");
});
