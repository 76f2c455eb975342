import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { openStorage } from "../test/support/storage.js";
import { armAlarm } from "./arm-alarm.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_000 }));
afterEach(() => void vi.useRealTimers());

test("an alarm is set for what is due first, and never for earlier than in a moment", async () => {
  const storage = openStorage();
  await armAlarm(storage, () => [undefined, 5_000, 3_000]);
  expect(await storage.getAlarm()).toBe(3_000);
  await armAlarm(storage, () => [4_000]);
  expect(await storage.getAlarm()).toBe(3_000);
  await armAlarm(storage, () => [0]);
  expect(await storage.getAlarm()).toBe(1_100);
});

test("an alarm is removed when nothing is due, and left alone when that cannot be said", async () => {
  const storage = openStorage();
  await armAlarm(storage, () => [5_000]);
  await armAlarm(storage, () => undefined);
  expect(await storage.getAlarm()).toBe(5_000);
  await armAlarm(storage, () => [undefined]);
  expect(await storage.getAlarm()).toBeNull();
});

test("what became due meanwhile counts: of two at once neither undoes the other", async () => {
  const storage = openStorage();
  await armAlarm(storage, () => [9_000]);
  let due: number | undefined;
  const first = armAlarm(storage, () => [due]);
  due = 5_000;
  const second = armAlarm(storage, () => [due]);
  await Promise.all([first, second]);
  expect(await storage.getAlarm()).toBe(5_000);
});
