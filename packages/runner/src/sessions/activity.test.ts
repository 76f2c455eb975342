import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Activity } from "./activity.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("idleness counts from the end of the last work, and is 0 while any runs", async () => {
  const activity = new Activity();
  vi.advanceTimersByTime(100);
  expect(activity.idleMs).toBe(100);
  const [one, other] = [Promise.withResolvers<string>(), Promise.withResolvers<never>()];
  const ran = activity.run(() => one.promise);
  const failed = activity.run(() => other.promise);
  vi.advanceTimersByTime(100);
  expect(activity.idleMs).toBe(0);
  one.resolve("result");
  expect(await ran).toBe("result");
  expect(activity.idleMs).toBe(0);
  other.reject(new Error("failed"));
  await expect(failed).rejects.toThrow("failed");
  vi.advanceTimersByTime(50);
  expect(activity.idleMs).toBe(50);
  activity.note();
  vi.advanceTimersByTime(20);
  expect(activity.idleMs).toBe(20);
});

test("all work is over when the last has ended, whether it failed or not", async () => {
  const activity = new Activity();
  await activity.whenIdle();
  const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
  void activity.run(() => one.promise);
  void activity.run(() => other.promise).catch(() => {});
  let isOver = false;
  const idle = activity.whenIdle().then(() => (isOver = true));
  one.resolve();
  await Promise.resolve();
  expect(isOver).toBe(false);
  other.reject(new Error("failed"));
  await idle;
  expect(isOver).toBe(true);
});
