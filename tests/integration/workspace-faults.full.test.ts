import { setTimeout as sleep } from "node:timers/promises";

import type { EdgeEvent } from "@claude-edge/client";
import { describe, expect, test, vi } from "vitest";

import { useOwnStack, type OwnTestStack } from "../support/stack.js";
import { useProject, useR2Project } from "../support/use-project.js";
import { until } from "../support/wait.js";
import {
  createSession,
  killContainers,
  list,
  runTurn,
  seenByAgent,
  shell,
} from "../support/workspace.js";

// Some begin four containers, one after the other.
vi.setConfig({ testTimeout: 300_000 });

const isToolUse = (event: EdgeEvent) =>
  event.kind === "message" && JSON.stringify(event.message).includes('"type":"tool_use"');

const whenContainerIsThere = (edge: OwnTestStack) =>
  until("a container is started", () => edge.stack.containers().length > 0);

const tool = (command: string) => `%tool Bash ${JSON.stringify({ command })}`;

/** Files with bytes that are no text, by a program for the shell. */
const make = (folder: string, count: number, bytes: number) =>
  `node -e 'const fs = require("fs"); fs.mkdirSync("${folder}"); for (let i = 0; i < ${count}; i += 1) fs.writeFileSync("${folder}/" + i, require("crypto").randomBytes(${bytes}))'`;

const SUMS = "find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum";

describe("a large workspace", () => {
  const edge = useOwnStack({
    project: useR2Project(),
    vars: { CLAUDE_EDGE_SLEEP_AFTER: "4s" },
  });

  test("a container that is killed on the way is made good by the next", async () => {
    const session = await createSession(edge, "restore");
    const sums = await seenByAgent(session, `${make("data", 200, 300_000)}; ${SUMS}`);
    await killContainers(edge);
    for (const afterMs of [50, 400, 900]) {
      const turn = runTurn(session, shell("cat data/* | wc -c"));
      await whenContainerIsThere(edge);
      await sleep(afterMs);
      await killContainers(edge);
      await turn;
    }
    expect(await seenByAgent(session, SUMS)).toBe(sums);
  });

  test("a Worker that is restarted on the way goes on with it", async () => {
    const session = await createSession(edge, "restart");
    const sums = await seenByAgent(session, `${make("data", 200, 300_000)}; ${SUMS}`);
    await killContainers(edge);
    const turn = seenByAgent(session, SUMS);
    await whenContainerIsThere(edge);
    await sleep(700);
    await edge.stack.restartWorker();
    expect(await turn).toBe(sums);
  });

  test("a checkpoint that is cut off is had from the runner again, or was never told of", async () => {
    const session = await createSession(edge, "fetch");
    await seenByAgent(session, "echo before > a.txt");
    // The second tool keeps the agent from asking the model, which it would not do for long without a Worker.
    let restarted: Promise<void> | undefined;
    const { status, events } = await runTurn(
      session,
      `${tool(make("large", 1, 50_000_000))}\n${tool("sleep 6")}\n%say Done.`,
      (event) => {
        if (!isToolUse(event)) return;
        restarted ??= sleep(600).then(() => edge.stack.restartWorker());
      },
    );
    await restarted;
    expect(status).toBe("completed");
    expect(events.filter(({ kind }) => kind === "checkpoint")).toHaveLength(1);
    expect(await list(session)).toEqual(["a.txt", "large/", "large/0"]);

    let killed: Promise<void> | undefined;
    const cut = await runTurn(session, shell(make("lost", 1, 50_000_000)), (event) => {
      if (!isToolUse(event)) return;
      killed ??= sleep(500).then(() => killContainers(edge));
    });
    await killed;
    const told = cut.events.some(({ kind }) => kind === "checkpoint");
    expect(await list(session)).toEqual([
      "a.txt",
      "large/",
      "large/0",
      ...(told ? ["lost/", "lost/0"] : []),
    ]);
    expect(await seenByAgent(session, "cat a.txt; stat -c %s large/0")).toBe("before\n50000000");
  });

  test("what runs in the background is stored before sleep, and is there at waking", async () => {
    const session = await createSession(edge, "sleep");
    await seenByAgent(
      session,
      "(sleep 1.5; echo late > late.txt) > /dev/null 2>&1 & echo now > now.txt",
    );
    await until("the container sleeps", () => edge.stack.containers().length === 0);
    expect(await list(session)).toEqual(["late.txt", "now.txt"]);
    expect(await seenByAgent(session, "cat late.txt now.txt")).toBe("late\nnow");
  });

  test("two sessions of an account keep apart what they do at once", async () => {
    const client = edge.client("two");
    await edge.fetch("/v1/limits", {
      method: "PATCH",
      account: "two",
      json: { max_concurrent_turns: 2 },
    });
    const sessions = await Promise.all(
      [1, 2].map(() => client.sessions.create({ permissionMode: "bypassPermissions" })),
    );
    const fill = (name: string) =>
      shell(...[1, 2, 3].map((n) => `${make(`${name}${n}`, 20, 50_000)}; echo ${name} > same.txt`));
    await Promise.all(sessions.map((session, index) => runTurn(session, fill(`s${index}`))));
    const sums = [];
    for (const session of sessions) sums.push(await seenByAgent(session, SUMS));
    await killContainers(edge);
    for (const [index, session] of sessions.entries()) {
      expect(await seenByAgent(session, "cat same.txt")).toBe(`s${index}`);
      expect(await seenByAgent(session, SUMS)).toBe(sums[index]);
    }
  });
});

/** A Worker whose ContainerDO does something of its own with the runner's requests. */
const workerWith = (
  onFetch: string,
) => `import claudeEdge, { ContainerDO as Plain } from "@claude-edge/worker";
export { AccountDO, DeploymentDO, Gateway, SessionDO } from "@claude-edge/worker";
export class ContainerDO extends Plain {
  async fetch(request) {
    ${onFetch}
    return super.fetch(request);
  }
}
export default claudeEdge;
`;

describe("a container that ends while a checkpoint is fetched", () => {
  const onFetch = `if (request.url.endsWith("/checkpoints/2/blobs")) {
      // What comes behind the checkpoint is in the log by then.
      await scheduler.wait(1_000);
      await this.ctx.container.destroy();
    }`;
  const edge = useOwnStack({
    project: useProject({ "src/worker.ts": workerWith(onFetch) }),
  });

  test("nothing is told of the tool whose files are lost", async () => {
    const session = await createSession(edge, "lost");
    // A result is told up to a second after its tool, when it is in the transcript. Checkpoints do not wait for it.
    const tools = shell("echo 1 > a.txt", "sleep 2; echo 2 > b.txt");
    const { status, events } = await runTurn(session, tools);
    expect(status).toBe("failed");
    const results = events.filter(
      (event) => event.kind === "message" && event.message.type === "user",
    );
    expect(results).toHaveLength(1);
    const checkpoints = events.filter(({ kind }) => kind === "checkpoint");
    expect(checkpoints).toEqual([expect.objectContaining({ checkpoint: expect.anything() })]);
    expect(await list(session)).toEqual(["a.txt"]);
    expect(await seenByAgent(session, "ls")).toBe("a.txt");
  });
});

describe("a runner that does not give a checkpoint", () => {
  const onFetch = `if (request.url.endsWith("/checkpoints/1/blobs")) {
      return new Response("no", { status: 500 });
    }`;
  const edge = useOwnStack({
    project: useProject({ "src/worker.ts": workerWith(onFetch) }),
  });

  test("what it held comes with another that holds all", async () => {
    const session = await createSession(edge, "given-up");
    const { status, events } = await runTurn(session, shell("echo 1 > a.txt", "echo 2 > b.txt"));
    expect(status).toBe("completed");
    expect(events.find(({ kind }) => kind === "checkpoint")).toMatchObject({
      error: { code: "workspace_unavailable" },
    });
    await until("all of it is stored", async () => (await list(session)).length === 2);
    expect(await list(session)).toEqual(["a.txt", "b.txt"]);
  });
});
