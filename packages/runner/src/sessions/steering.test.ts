import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { expect, test } from "vitest";

import { Steering } from "./steering.js";

const state = (id: string, of: string) =>
  ({ type: "command_lifecycle", command_uuid: id, state: of }) as unknown as SDKMessage;

/** Hands over what waits. Returns what was sent. */
async function handOver(steering: Steering): Promise<string[]> {
  const sent: string[] = [];
  await steering.handOver(async (id, { prompt }) => void sent.push(`${id} ${prompt as string}`));
  return sent;
}

test("messages are handed over once, in order", async () => {
  const steering = new Steering();
  steering.add("1", { prompt: "one" });
  steering.add("2", { prompt: "two" });
  steering.add("1", { prompt: "one" });
  expect(await handOver(steering)).toEqual(["1 one", "2 two"]);
  steering.add("2", { prompt: "two" });
  expect(await handOver(steering)).toEqual([]);
  steering.add("3", { prompt: "three" });
  expect(await handOver(steering)).toEqual(["3 three"]);
});

test("a message is in the queue until it is taken in or dropped", async () => {
  const steering = new Steering();
  steering.add("1", { prompt: "one" });
  steering.add("2", { prompt: "two" });
  expect(steering.queued).toEqual([]);
  await handOver(steering);
  expect(steering.onMessage(state("1", "queued"))).toBeUndefined();
  expect(steering.queued).toEqual(["1", "2"]);
  expect(steering.onMessage(state("1", "started"))).toBe("1");
  expect(steering.onMessage(state("1", "completed"))).toBeUndefined();
  expect(steering.onMessage(state("2", "cancelled"))).toBeUndefined();
  expect(steering.queued).toEqual([]);
});

test("a message can be taken back until it is handed over, also before it comes", async () => {
  const steering = new Steering();
  steering.add("1", { prompt: "one" });
  steering.add("2", { prompt: "two" });
  expect([steering.withdraw("1"), steering.withdraw("1"), steering.withdraw("3")]).toEqual([
    true,
    true,
    true,
  ]);
  steering.add("3", { prompt: "three" });
  expect(await handOver(steering)).toEqual(["2 two"]);
  expect(steering.withdraw("2")).toBe(false);
});

test("nothing is said of other messages", async () => {
  const steering = new Steering();
  steering.add("1", { prompt: "one" });
  await handOver(steering);
  expect(steering.onMessage({ type: "assistant" } as SDKMessage)).toBeUndefined();
  expect(steering.onMessage(state("other", "started"))).toBeUndefined();
});
