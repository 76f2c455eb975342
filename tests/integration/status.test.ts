import type { Tick } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { SDK_VERSION, statusOf, VERSION } from "../support/status.js";

const edge = useStack();

test("it tells versions and the credential's kind, and starts nothing", async () => {
  const asleep = {
    version: VERSION,
    protocol: 1,
    runner_protocol: 1,
    model: { variable: "ANTHROPIC_API_KEY", kind: "scripted_model_key", has_base_url: true },
    container: { state: "asleep" },
    files: { storage: "sqlite", max_bytes: 1024 ** 3 },
  };
  expect(await statusOf(edge, "status-asleep")).toEqual(asleep);
  // Still: the first time has not started it.
  expect(await statusOf(edge, "status-asleep")).toEqual(asleep);
});

test("with start=true the container runs, and its runner tells its versions", async () => {
  const running = {
    state: "running",
    runner_version: VERSION,
    protocol: 1,
    sdk_version: SDK_VERSION,
  };
  expect((await statusOf(edge, "status-started", "?start=true")).container).toEqual(running);
  expect((await statusOf(edge, "status-started", "?start=true")).container).toEqual(running);
  expect((await statusOf(edge, "status-started")).container).toEqual(running);
});

test("it needs the key, takes no other method, and checks the account", async () => {
  for (const path of ["/v1/status", "/v1/status/stream"]) {
    expect((await fetch(`${edge.stack.url}${path}`)).status).toBe(401);
    expect((await edge.fetch(path, { json: {} })).status).toBe(405);
  }
  expect((await edge.fetch("/v1/status", { account: "a/b" })).status).toBe(400);
});

test("the stream's events come one by one, with the time each was sent", async () => {
  const response = await edge.fetch("/v1/status/stream");
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const ticks = (await response.text())
    .split("\n\n")
    .filter(Boolean)
    .map((event) => JSON.parse(event.replace(/^event: tick\ndata: /, "")) as Tick);
  expect(ticks.map(({ n }) => n)).toEqual([1, 2, 3]);
  // Timers may fire a little early by the clock.
  expect(ticks[2]!.at - ticks[0]!.at).toBeGreaterThanOrEqual(190);
});
