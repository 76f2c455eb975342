import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { ClaudeEdge } from "@claude-edge/client";
import { expect, test } from "vitest";

import { deployment, frame, stream, textEvent, turnEvent, WHOLE } from "./deployment.js";

const MB = 1024 * 1024;

test("a reader that takes one event and stalls pulls no more than the sockets' buffers hold", async () => {
  let offered = 0;
  const edge = await deployment(async (response) => {
    stream(response);
    response.write(turnEvent(1, "running"));
    const text = "x".repeat(64 * 1024);
    for (let seq = 2; seq < 750 && !response.destroyed; seq += 1) {
      const event = textEvent(seq, text);
      offered += event.length;
      if (!response.write(event)) await new Promise((resolve) => response.once("drain", resolve));
    }
  });
  for await (const event of edge.query("hi")) {
    expect(event.seq).toBe(1);
    await sleep(1_000);
    break;
  }
  // Of 48 MB. The kernel's buffers on loopback are some 4 MB.
  expect(offered).toBeLessThan(12 * MB);
});

test("leaving frees the connection at once", async () => {
  const closed: number[] = [];
  const edge = await deployment((response) => {
    stream(response).write(WHOLE.slice(0, 3).join(""));
    response.on("close", () => closed.push(Date.now()));
  });
  for await (const { kind } of edge.query("hi")) if (kind === "delta") break;
  const left = Date.now();
  while (closed.length === 0 && Date.now() - left < 2_000) await sleep(5);
  expect(closed[0]! - left).toBeLessThan(500);
});

test("a thousand calls leave nothing on a signal they share", async () => {
  const session = { id: "a", status: "idle", options: {}, last_seq: 0 };
  const answers = {
    "application/json": JSON.stringify(session),
    "text/event-stream": WHOLE.join(""),
  };
  const edge = new ClaudeEdge({
    baseURL: "http://deployment",
    token: "key",
    totalTimeout: 60_000,
    fetch: async (_url, init) => {
      const type = new Headers(init?.headers).get("accept") as keyof typeof answers;
      const headers = { "content-type": type, "x-claude-edge-protocol": "1" };
      return new Response(answers[type], { headers });
    },
  });
  const { signal } = new AbortController();
  const call = (count: number) =>
    count % 2
      ? edge.sessions.open("a").retrieve({ signal })
      : edge.query("hi", { signal }).result();
  for (let count = 0; count < 1_000; count += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, place) => call(count + place)));
  }
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a turn of 20 000 events is read to its end, in order", async () => {
  const edge = await deployment((response) => {
    stream(response);
    response.write(turnEvent(1, "running"));
    for (let seq = 2; seq <= 20_001; seq += 1) response.write(textEvent(seq, "a"));
    response.end(
      frame(20_002, "message", { message: { type: "result" } }) +
        WHOLE[4]!.replaceAll("5", "20003"),
    );
  });
  let last = 0;
  for await (const { seq } of edge.query("hi")) {
    expect(seq).toBe(last + 1);
    last = seq;
  }
  expect(last).toBe(20_003);
});
