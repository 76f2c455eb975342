import {
  createSdkMcpServer,
  query,
  tool,
  type RequestResource,
  type Session,
  type SessionCallbacks,
} from "@claude-edge/client";
import { findMarked } from "@claude-edge/runner/processes";
import { describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const local = useStack({
  vars: { CLAUDE_EDGE_HOLD: "1s", CLAUDE_EDGE_CALLER_GRACE: "2s", CLAUDE_EDGE_SLEEP_AFTER: "4s" },
});

const BASH = '%tool Bash {"command":"echo ran > ran.txt; cat ran.txt"}\n%say The end.';
const ask = { permissionMode: "default", canUseTool: true } as const;

const pending = (account: string): Promise<RequestResource> =>
  until("a permission", async () => (await local.client(account).requests.list())[0]);

const isWaiting = (session: Session) =>
  until("the turn waits", async () => (await session.retrieve()).status === "waiting");

async function killContainers(): Promise<void> {
  for (const { name } of local.stack.containers()) await local.stack.killContainer(name);
}

const told = () => JSON.stringify(local.stack.model!.requests.at(-1)!.body.messages);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a container that dies", () => {
  it("while a hook runs, in a session that goes on: the hook's answer does not stop the turn", async () => {
    const edge = local.client("hook-away");
    let calls = 0;
    const hooks: SessionCallbacks["hooks"] = {
      PreToolUse: [
        {
          hooks: [
            async () => {
              calls += 1;
              if (calls === 1) {
                await killContainers();
                await sleep(40);
              }
              return {};
            },
          ],
        },
      ],
    };
    const options = { hooks, allowedTools: ["Bash"], onContainerLost: "resume" as const };
    expect((await edge.query(BASH, options)).text).toBe("The end.");
    const requests = await edge.requests.list({ kind: "any" });
    expect(requests).toEqual([]);
  });
});

describe("an approval", () => {
  it("for a tool of the caller's MCP server keeps its process, and runs the tool", async () => {
    const edge = local.client("mcp-approval");
    const kit = createSdkMcpServer({
      name: "kit",
      alwaysLoad: true,
      tools: [tool("a", "A", {}, async () => ({ content: [{ type: "text", text: "a ran" }] }))],
    });
    const session = await edge.sessions.create({ ...ask, mcpServers: { kit } });
    const turn = session.send("%tool mcp__kit__a {}\n%say The end.").result();
    const { id, expires_at } = await pending("mcp-approval");
    expect(Date.parse(expires_at!) - Date.now()).toBeLessThan(5_000);
    await sleep(1_500);
    expect((await session.retrieve()).status).toBe("running");
    await edge.requests.answer(id, { behavior: "allow" });
    expect((await turn).text).toBe("The end.");
    expect(told()).toContain("a ran");
  });

  it("is not disturbed by what else its turn had asked", async () => {
    const edge = local.client("beside-hook");
    const hooks: SessionCallbacks["hooks"] = {
      PermissionRequest: [
        { hooks: [() => new Promise((resolve) => setTimeout(() => resolve({}), 3_000))] },
      ],
    };
    const session = await edge.sessions.create({ ...ask, hooks });
    const turn = session.send(BASH).result();
    const request = await pending("beside-hook");
    await isWaiting(session);
    // The hook's answer comes to nobody.
    await sleep(2_500);
    expect((await session.retrieve()).status).toBe("waiting");
    await edge.requests.answer(request.id, { behavior: "allow" });
    expect((await turn).text).toBe("The end.");
  });

  it("whose turn is interrupted while its process is let go is over at once", async () => {
    const edge = local.client("let-go");
    for (let round = 0; round < 4; round += 1) {
      const session = await edge.sessions.create(ask);
      const turn = session
        .send(BASH)
        .result()
        .catch((error: unknown) => error);
      const { created_at } = await pending("let-go");
      await sleep(Math.max(1, Date.parse(created_at) + 985 + round * 10 - Date.now()));
      await session.interrupt();
      expect(await turn).toMatchObject({ code: "interrupted" });
    }
  });

  it("expires when it should, with nothing else to wake the account", async () => {
    const edge = local.client("punctual");
    const session = await edge.sessions.create({ ...ask, approvalTimeout: 2_500 });
    const begun = Date.now();
    expect((await session.send(BASH)).text).toBe("The end.");
    expect(Date.now() - begun).toBeLessThan(12_000);
  });

  it("may be given again under its key, when the word that it was taken is lost", async () => {
    const edge = local.client("again");
    const session = await edge.sessions.create(ask);
    const turn = session.send(BASH).result();
    const { id } = await pending("again");
    const once = { idempotencyKey: "the-answer" };
    await edge.requests.answer(id, { behavior: "allow" }, once);
    expect(await edge.requests.answer(id, { behavior: "allow" }, once)).toMatchObject({ id });
    await expect(edge.requests.answer(id, { behavior: "allow" })).rejects.toMatchObject({
      code: "request_resolved",
    });
    await turn;
  });
});

describe("a session has one process", () => {
  it("when it is controlled while its turn waits, and while its process starts", async () => {
    const edge = local.client("one-process");
    const session = await edge.sessions.create(ask);
    const turn = session.send(BASH).result();
    const { id } = await pending("one-process");
    await isWaiting(session);
    await session.control("supportedModels");
    await edge.requests.answer(id, { behavior: "allow" });
    expect((await turn).text).toBe("The end.");
    const count = () => findMarked("CLAUDE_EDGE_SESSION", session.id).length;
    expect(count()).toBe(1);
    await killContainers();
    await Promise.all([
      session.send("%say One.").result(),
      session.control("supportedModels"),
      session.control("supportedAgents"),
      session.control("accountInfo"),
    ]);
    expect(count()).toBe(1);
    await session.update({ options: { ...ask, maxTurns: 5 } });
    expect((await session.send("%say Two.")).text).toBe("Two.");
    expect(count()).toBe(1);
  });

  it("and its container sleeps after a control call", async () => {
    const edge = local.client("sleepy");
    const session = await edge.sessions.create();
    await session.control("supportedModels");
    expect(local.stack.containers().length).toBeGreaterThan(0);
    await until("all containers sleep", () => local.stack.containers().length === 0, 25_000);
    expect(local.stack.containers()).toEqual([]);
  });
});

describe("callbacks", () => {
  it("are not run for what was answered long ago, nor twice for two readers", async () => {
    const edge = local.client("past");
    let asked = 0;
    const session = await edge.sessions.create({
      permissionMode: "default",
      onPermission: () => {
        asked += 1;
        return { behavior: "allow" };
      },
    });
    await session.send(BASH);
    expect(asked).toBe(1);
    const done = async () => {
      for await (const { kind, ...rest } of session.events()) {
        if (kind === "turn" && (rest as { status: string }).status === "completed") return;
      }
    };
    await Promise.all([done(), done()]);
    expect(asked).toBe(1);
  });

  it("whose answer is refused do not leave the agent waiting", async () => {
    const edge = local.client("refused");
    const turn = edge.query(BASH, {
      permissionMode: "default",
      onPermission: () => ({ behavior: "perhaps" }) as never,
    });
    expect((await turn).text).toBe("The end.");
    expect(told()).toContain("refused");
    const hooks = { PreToolUse: [{ hooks: [async () => undefined as never] }] };
    const second = await edge.query(BASH, { hooks, allowedTools: ["Bash"] });
    expect(second.text).toBe("The end.");
  });
});

describe("query()", () => {
  const edge = (account: string) => ({
    baseURL: local.stack.url,
    token: local.stack.token,
    account,
  });

  it("that is over is not stopped by its controller any more, and stops nothing of another", async () => {
    const abortController = new AbortController();
    let id = "";
    const first = query({ prompt: "%say One.", options: { abortController }, edge: edge("abort") });
    for await (const { session_id } of first) id = session_id ?? id;
    const session = local.client("abort").sessions.open(id);
    const next = session.send("%say Two.\n%wait 1500\n%say Three.").result();
    await sleep(500);
    abortController.abort();
    expect((await next).text).toContain("Three.");
  });

  it("interrupted goes on with the prompt behind", async () => {
    const texts: string[] = [];
    const say = (content: string) => ({
      type: "user" as const,
      message: { role: "user" as const, content },
      parent_tool_use_id: null,
    });
    const prompt = (async function* () {
      yield say("%say One.\n%wait 20000");
      yield say("%say Second.");
    })();
    const conversation = query({ prompt, edge: edge("queue") });
    setTimeout(() => void conversation.interrupt(), 2_000);
    for await (const message of conversation) {
      if (message.type === "result" && message.subtype === "success") texts.push(message.result);
    }
    expect(texts).toEqual(["Second."]);
  });
});
