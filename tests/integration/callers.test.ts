import { createSdkMcpServer, query, tool, type SessionCallbacks } from "@claude-edge/client";
import { mintToken } from "@claude-edge/client/tokens";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const local = useStack({ vars: { CLAUDE_EDGE_CALLER_GRACE: "2s" } });

const BASH = '%tool Bash {"command":"echo ran > ran.txt; cat ran.txt"}\n%say The end.';
const CALL = "%tool mcp__kit__greet {}\n%say The end.";

const connection = (account: string) => ({
  baseURL: local.stack.url,
  token: local.stack.token,
  account,
});

const greeting = (text: string): SessionCallbacks => ({
  mcpServers: {
    kit: createSdkMcpServer({
      name: "kit",
      alwaysLoad: true,
      tools: [tool("greet", "Greets", {}, async () => ({ content: [{ type: "text", text }] }))],
    }),
  },
});

/** What the model was told last. */
const told = () => JSON.stringify(local.stack.model!.requests.at(-1)!.body.messages);

/** Begins a turn with nobody reading it, and waits for its end. */
async function runAlone(account: string, sessionId: string, prompt: string): Promise<void> {
  const path = `/v1/sessions/${sessionId}/turns`;
  const response = await local.fetch(path, { json: { prompt }, account });
  const { id } = (await response.json()) as { id: string };
  await until("the turn has ended", async () => {
    const turn = await (await local.fetch(`${path}/${id}`, { account })).json();
    return (turn as { status: string }).status === "completed";
  });
}

describe("the program that runs a session's callbacks", () => {
  it("is gone: a hook fails, its tool is denied, and the model is told", async () => {
    const edge = local.client("hooks");
    const hooks: SessionCallbacks["hooks"] = { PreToolUse: [{ hooks: [async () => ({})] }] };
    const session = await edge.sessions.create({ hooks, allowedTools: ["Bash"] });
    expect((await session.send(BASH)).text).toBe("The end.");
    expect(told()).toContain("ran");
    await runAlone("hooks", session.id, BASH.replaceAll("ran", "walked"));
    expect(told()).toContain("caller_gone");
    expect(told()).not.toContain('walked\\n"');
    const requests = await edge.requests.list({
      sessionId: session.id,
      status: "any",
      kind: "any",
    });
    expect(requests.map(({ status }) => status)).toEqual(["answered", "cancelled"]);
    expect(requests[1]!.error).toMatchObject({ code: "caller_gone" });
  });

  it("is nobody who may not answer: a reader with callbacks keeps no hook waiting", async () => {
    const hooks: SessionCallbacks["hooks"] = { PreToolUse: [{ hooks: [async () => ({})] }] };
    const session = await local.client("reads").sessions.create({ hooks, allowedTools: ["Bash"] });
    const scopes = ["sessions:read", "query"] as const;
    const token = await mintToken({ rootKey: local.stack.token, account: "reads", scopes });
    const headers = { accept: "text/event-stream", authorization: `Bearer ${token}` };
    const stream = await local.fetch(`/v1/sessions/${session.id}/events?callbacks=true`, {
      headers,
    });
    await runAlone("reads", session.id, BASH);
    expect(told()).toContain("caller_gone");
    await stream.body!.cancel();
  });

  it("is gone: a prompt's hook blocks the prompt", async () => {
    const edge = local.client("prompt-hook");
    const hooks: SessionCallbacks["hooks"] = { UserPromptSubmit: [{ hooks: [async () => ({})] }] };
    const session = await edge.sessions.create({ hooks });
    const before = local.stack.model!.requests.length;
    await runAlone("prompt-hook", session.id, "%say Never said.");
    expect(local.stack.model!.requests.length).toBe(before);
  });

  it("is gone: a call of its MCP server fails, and the model is told", async () => {
    const edge = local.client("mcp");
    const session = await edge.sessions.create({
      ...greeting("hello"),
      allowedTools: ["mcp__kit__greet"],
    });
    expect((await session.send(CALL)).text).toBe("The end.");
    expect(told()).toContain("hello");
    await runAlone("mcp", session.id, CALL);
    expect(told()).toContain("caller_gone");
  });

  it("comes back in time, in another process say, and goes on", async () => {
    const edge = local.client("back");
    const session = await edge.sessions.create({
      ...greeting("from the first"),
      allowedTools: ["mcp__kit__greet"],
    });
    const turn = session.send(`%say Wait.\n%wait 1500\n${CALL}`);
    for await (const event of turn) if (event.kind === "message") break;
    const again = edge.sessions.open(session.id, greeting("from the second"));
    for await (const event of again.events({ after: turn.lastSeq })) {
      if (event.kind === "turn" && event.status === "completed") break;
    }
    expect(told()).toContain("from the second");
  });

  it("may stop reading while it asks somebody: the answer still counts", async () => {
    const edge = local.client("asking");
    let answer: () => void = () => {};
    const asked = new Promise<void>((resolve) => (answer = resolve));
    const session = await edge.sessions.create({
      permissionMode: "default",
      onPermission: async () => {
        await asked;
        return { behavior: "allow" };
      },
    });
    const turn = session.send(BASH);
    for await (const { kind } of turn) if (kind === "request") break;
    answer();
    expect((await session.resume({ turnId: turn.id, lastSeq: turn.lastSeq })).text).toBe(
      "The end.",
    );
    expect(told()).toContain("ran");
  });

  it("has a callback that throws: the tool goes on or is denied, as in the Agent SDK", async () => {
    const edge = local.client("throws");
    const turn = edge.query(BASH, {
      permissionMode: "default",
      onPermission: () => {
        throw new Error("the approver broke");
      },
    });
    expect((await turn).text).toBe("The end.");
    expect(told()).toContain("the approver broke");
  });
});

describe("an in-process MCP server", () => {
  it("is asked in another container too, with a connection of its own", async () => {
    const account = "moved";
    const session = await local.client(account).sessions.create({
      ...greeting("still here"),
      allowedTools: ["mcp__kit__greet"],
    });
    await session.send(CALL);
    for (const { name } of local.stack.containers()) await local.stack.killContainer(name);
    expect((await session.send(CALL)).text).toBe("The end.");
    expect(told()).toContain("still here");
  });

  it("may be one of the caller's own, with resources, and serve one query after the other", async () => {
    const server = new McpServer({ name: "kit", version: "1.0.0" });
    server.registerResource("motto", "kit://motto", {}, async () => ({
      contents: [{ uri: "kit://motto", text: "Measure twice." }],
    }));
    const options = {
      mcpServers: { kit: { type: "sdk" as const, name: "kit", instance: server } },
      allowedTools: ["ReadMcpResourceTool"],
    };
    const prompt = '%tool ReadMcpResourceTool {"server":"kit","uri":"kit://motto"}\n%say The end.';
    for (const account of ["one", "two"]) {
      expect((await local.client(account).query(prompt, options)).text).toBe("The end.");
      expect(told()).toContain("Measure twice.");
    }
  });

  it("can be added later, and asks are answered while nobody reads the messages", async () => {
    const edge = connection("later");
    let close: () => void = () => {};
    const open = new Promise<void>((resolve) => (close = resolve));
    const prompt = (async function* () {
      yield {
        type: "user" as const,
        message: { role: "user" as const, content: CALL },
        parent_tool_use_id: null,
      };
      await open;
    })();
    const conversation = query({
      edge,
      prompt,
      options: { allowedTools: ["mcp__kit__greet"] },
    });
    const { added, errors } = await conversation.setMcpServers(greeting("added").mcpServers!);
    expect({ added, errors }).toEqual({ added: ["kit"], errors: {} });
    await until("the server is connected", async () => {
      const [server] = await conversation.mcpServerStatus();
      return server?.name === "kit" && server.status === "connected";
    });
    for await (const message of conversation) if (message.type === "result") close();
  });
});
