import { describe, expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";
import { statusOf } from "../support/status.js";
import { useProject } from "../support/use-project.js";
import { until } from "../support/wait.js";

describe("with a container for each session", () => {
  const edge = useOwnStack({ vars: { CLAUDE_EDGE_ISOLATION: "session" } });

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
});

describe("a container that never listens", () => {
  const edge = useOwnStack({
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
  const edge = useOwnStack({ project: useProject({ "agent.config.ts": "process.exit(3);\n" }) });

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
