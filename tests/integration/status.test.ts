import { readFileSync } from "node:fs";

import type { DeploymentStatus, Tick } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { useProject } from "../support/project.js";
import { useStack, type TestStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const versionIn = (path: string) =>
  (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string }).version;
const VERSION = versionIn("../../packages/runner/package.json");
const SDK = versionIn("../../node_modules/@anthropic-ai/claude-agent-sdk/package.json");

const statusOf = async (edge: TestStack, account: string, query = "") => {
  const response = await edge.fetch(`/v1/status${query}`, { account });
  expect(response.status).toBe(200);
  return (await response.json()) as DeploymentStatus;
};

describe("GET /v1/status", () => {
  const edge = useStack();

  test("tells versions and the credential's kind, and starts nothing", async () => {
    expect(await statusOf(edge, "asleep")).toEqual({
      version: VERSION,
      protocol: 1,
      model: { variable: "ANTHROPIC_API_KEY", kind: "other", has_base_url: true },
      container: { state: "asleep" },
      files: { storage: "sqlite", max_bytes: 1024 ** 3 },
    });
    expect(edge.stack.containers()).toEqual([]);
  });

  test("with start=true the container runs, and its runner tells its versions", async () => {
    const running = {
      state: "running",
      runner_version: VERSION,
      protocol: 1,
      sdk_version: SDK,
    };
    expect((await statusOf(edge, "started", "?start=true")).container).toEqual(running);
    expect((await statusOf(edge, "started", "?start=true")).container).toEqual(running);
    expect((await statusOf(edge, "started")).container).toEqual(running);
    expect(edge.stack.containers()).toHaveLength(1);
  });

  test("a container that hangs is silent, until it goes on", async () => {
    await statusOf(edge, "hangs", "?start=true");
    const pid = edge.stack.containers().at(-1)!.pid;
    process.kill(pid, "SIGSTOP");
    expect((await statusOf(edge, "hangs")).container).toEqual({ state: "silent" });
    process.kill(pid, "SIGCONT");
    await until("it answers", async () => {
      return (await statusOf(edge, "hangs")).container.state === "running";
    });
  });

  test("needs the key, takes no other method, and checks the account", async () => {
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
});

describe("with a container for each session", () => {
  const edge = useStack({ vars: { CLAUDE_EDGE_ISOLATION: "session" } });

  test("it is that of the session that was used last", async () => {
    expect((await statusOf(edge, "each")).container).toEqual({ state: "asleep" });
    await edge.client("each").query("%say Hi.");
    expect((await statusOf(edge, "each")).container.state).toBe("running");
    await statusOf(edge, "each", "?start=true");
    expect(edge.stack.containers()).toHaveLength(1);
  });

  test("without any, one can be started all the same", async () => {
    expect((await statusOf(edge, "none", "?start=true")).container.state).toBe("running");
  });
});

describe("a container that never listens", () => {
  const edge = useStack({
    project: useProject({
      "agent.config.ts": "setInterval(() => {}, 1000);\nawait new Promise(() => {});\n",
    }),
    vars: { CLAUDE_EDGE_START_TIMEOUT: "3s" },
  });

  test("is starting, then not_listening, in the status and in a turn's error", async () => {
    const starting = edge.fetch("/v1/status?start=true");
    await until("it is being started", async () => {
      return (await statusOf(edge, "default")).container.state === "starting";
    });
    const response = await starting;
    expect(response.status).toBe(503);
    const { error } = (await response.json()) as { error: object };
    expect(error).toMatchObject({
      code: "container_unavailable",
      message: expect.stringContaining("did not answer within 3 s"),
      details: { reason: "not_listening" },
      suggestion: expect.stringContaining("agent.config.ts"),
    });
    expect((await statusOf(edge, "default")).container).toEqual({ state: "silent" });
    await expect(edge.client().query("hi")).rejects.toMatchObject({
      code: "container_unavailable",
      details: { reason: "not_listening" },
    });
  });
});

describe("a container that ends at its start", () => {
  const edge = useStack({ project: useProject({ "agent.config.ts": "process.exit(3);\n" }) });

  test("is told from one that does not listen", async () => {
    const response = await edge.fetch("/v1/status?start=true");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      error: {
        code: "container_unavailable",
        details: { reason: "exited" },
        suggestion: expect.stringContaining("logs"),
      },
    });
    expect((await statusOf(edge, "default")).container).toEqual({ state: "asleep" });
  });
});
