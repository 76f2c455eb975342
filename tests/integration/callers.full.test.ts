import { createSdkMcpServer, tool, type Session, type SessionCallbacks } from "@claude-edge/client";
import { mintToken } from "@claude-edge/client/tokens";
import { beforeAll, describe, expect, it } from "vitest";

import { read, toolResults } from "../support/events.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "callers-full";

/** Callers have a second to come back, and a process is held for one. */
const edge = useStack("impatient");
const client = () => edge.client(ACCOUNT);

const BASH = '%tool Bash {"command":"echo ran > ran.txt; cat ran.txt"}\n%say The end.';
const CALL = "%tool mcp__kit__greet {}\n%say The end.";

const text = "hello from the caller";
const kit = createSdkMcpServer({
  name: "kit",
  alwaysLoad: true,
  tools: [tool("greet", "Greets", {}, async () => ({ content: [{ type: "text", text }] }))],
});
const callbacks: SessionCallbacks = {
  mcpServers: { kit },
  hooks: { PreToolUse: [{ matcher: "Bash", hooks: [async () => ({})] }] },
};
const allowedTools = ["Bash", "mcp__kit__greet"];

/** Begins a turn with nobody reading it, and waits for its end; gives what the model was told of its calls. */
async function runAlone({ id: session }: Session, prompt: string): Promise<string> {
  const path = `/v1/sessions/${session}/turns`;
  const response = await edge.fetch(path, { json: { prompt }, account: ACCOUNT });
  const { id } = (await response.json()) as { id: string };
  await until("the turn has ended", async () => {
    const turn = await (await edge.fetch(`${path}/${id}`, { account: ACCOUNT })).json();
    return (turn as { status: string }).status === "completed";
  });
  return toolResults(await read(client().sessions.open(session).resume({ turnId: id })));
}

/** One session for most tests. */
let session: Session;
beforeAll(async () => {
  session = await client().sessions.create({ ...callbacks, allowedTools });
});

describe("the program that runs a session's callbacks", () => {
  it("is gone: a hook fails, its tool is denied, and the model is told", async () => {
    const results = toolResults(await read(session.send(BASH)));
    expect(results).toContain("ran");
    expect(results).not.toContain("caller_gone");
    const denied = await runAlone(session, BASH.replaceAll("ran", "walked"));
    expect(denied).toContain("caller_gone");
    expect(denied).not.toContain("walked");
    const sessionId = session.id;
    const requests = (
      await client().requests.list({ sessionId, status: "any", kind: "any" })
    ).filter(({ kind }) => kind === "hook");
    expect(requests.map(({ status }) => status)).toEqual(["answered", "cancelled"]);
    expect(requests[1]!.error).toMatchObject({ code: "caller_gone" });
  });

  it("is gone: a call of its MCP server fails, and the model is told", async () => {
    expect(toolResults(await read(session.send(CALL)))).toContain(text);
    const failed = await runAlone(session, CALL);
    expect(failed).toContain("caller_gone");
    expect(failed).not.toContain(text);
  });

  it("is nobody who may not answer: a reader with callbacks keeps no hook waiting", async () => {
    const scopes = ["sessions:read", "query"] as const;
    const token = await mintToken({ rootKey: edge.stack.token, account: ACCOUNT, scopes });
    const headers = { accept: "text/event-stream", authorization: `Bearer ${token}` };
    const path = `/v1/sessions/${session.id}/events?callbacks=true`;
    const stream = await edge.fetch(path, { headers });
    expect(await runAlone(session, BASH)).toContain("caller_gone");
    await stream.body!.cancel();
  });

  it("is gone: a prompt's hook blocks the prompt", async () => {
    const hooks: SessionCallbacks["hooks"] = { UserPromptSubmit: [{ hooks: [async () => ({})] }] };
    const guarded = await client().sessions.create({ hooks });
    await runAlone(guarded, "%say Never said.");
    expect(await edge.asked(guarded.id)).toEqual([]);
  });
});

describe("an in-process MCP server", () => {
  it("is asked in another container too, with a connection of its own", async () => {
    await session.send(CALL);
    await edge.killContainerOf(session.id);
    const events = await read(session.send(CALL));
    expect(events.at(-1)).toMatchObject({ status: "completed", result: { text: "The end." } });
    expect(toolResults(events)).toContain(text);
  });
});

describe("a hook", () => {
  it("whose container dies while it runs, in a session that goes on: its answer does not stop the turn", async () => {
    let calls = 0;
    const away: Session = await client().sessions.create({
      hooks: {
        PreToolUse: [
          {
            hooks: [
              async () => {
                calls += 1;
                if (calls === 1) {
                  await edge.killContainerOf(away.id);
                  await new Promise((resolve) => setTimeout(resolve, 40));
                }
                return {};
              },
            ],
          },
        ],
      },
      allowedTools: ["Bash"],
      onContainerLost: "resume",
    });
    expect((await away.send(BASH)).text).toBe("The end.");
    expect(await client().requests.list({ sessionId: away.id, kind: "any" })).toEqual([]);
  });

  it("beside a permission does not disturb it: its answer comes to nobody", async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let answered = false;
    const hook = async () => {
      await held;
      answered = true;
      return {};
    };
    const asked = await client().sessions.create({
      permissionMode: "default",
      canUseTool: true,
      hooks: { PermissionRequest: [{ hooks: [hook] }] },
    });
    const turn = asked.send(BASH).result();
    const request = await until("a permission", async () => {
      return (await client().requests.list({ sessionId: asked.id }))[0];
    });
    const isWaiting = async () => (await asked.retrieve()).status === "waiting";
    await until("the turn waits", isWaiting);
    release();
    await until("the hook has answered", () => answered);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await isWaiting()).toBe(true);
    await client().requests.answer(request.id, { behavior: "allow" });
    expect((await turn).text).toBe("The end.");
  });
});
