import {
  createSdkMcpServer,
  query,
  tool,
  type Session,
  type SessionCallbacks,
} from "@claude-edge/client";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { beforeAll, describe, expect, it } from "vitest";

import { Gate } from "../support/gate.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "callers";

const edge = useStack();

const CALL = "%tool mcp__kit__greet {}\n%say The end.";
const READ = '%tool ReadMcpResourceTool {"server":"desk","uri":"desk://motto"}\n%say The end.';
const allowedTools = ["mcp__kit__greet", "ReadMcpResourceTool", "Bash"];

/** A server with a tool that greets. */
const kit = (text: string) =>
  createSdkMcpServer({
    name: "kit",
    alwaysLoad: true,
    tools: [tool("greet", "Greets", {}, async () => ({ content: [{ type: "text", text }] }))],
  });

/** One of the caller's own, with a resource. */
const instance = new McpServer({ name: "desk", version: "1.0.0" });
instance.registerResource("motto", "desk://motto", {}, async () => ({
  contents: [{ uri: "desk://motto", text: "Measure twice." }],
}));
const desk = { type: "sdk" as const, name: "desk", instance };

const hooks: SessionCallbacks["hooks"] = {
  PreToolUse: [{ matcher: "Bash", hooks: [async () => ({})] }],
};

/** What the model was told last in a session. */
const told = async (session: string) =>
  JSON.stringify((await edge.asked(session)).at(-1)!.body.messages);

let session: Session;
beforeAll(async () => {
  session = await edge.client(ACCOUNT).sessions.create({
    mcpServers: { kit: kit("from the first"), desk },
    hooks,
    allowedTools,
  });
});

describe("the program that runs a session's callbacks", () => {
  it("serves its MCP servers: tools and resources", async () => {
    expect((await session.send(CALL)).text).toBe("The end.");
    expect(await told(session.id)).toContain("from the first");
    expect((await session.send(READ)).text).toBe("The end.");
    expect(await told(session.id)).toContain("Measure twice.");
  });

  it("comes back in time, in another process say, and goes on", async () => {
    const gate = new Gate();
    const turn = session.send(
      `%say Wait.\n${gate.tool}\n${CALL.replace("%tool", "%say Now.\n%tool")}`,
    );
    for await (const event of turn) {
      if (event.kind === "request.resolved") break;
    }
    gate.open();
    const callbacks = { mcpServers: { kit: kit("from the second") }, hooks };
    const again = edge.client(ACCOUNT).sessions.open(session.id, callbacks);
    for await (const event of again.events({ after: turn.lastSeq })) {
      if (event.kind === "turn" && event.status === "completed") break;
    }
    expect(await told(session.id)).toContain("from the second");
  });

  it("has a hook whose answer is refused: the agent is not left waiting", async () => {
    const nothing = { PreToolUse: [{ matcher: "Bash", hooks: [async () => undefined as never] }] };
    const opened = edge.client(ACCOUNT).sessions.open(session.id, { hooks: nothing });
    const { text } = await opened.send('%tool Bash {"command":"echo hi"}\n%say The end.');
    expect(text).toBe("The end.");
  });
});

describe("an in-process MCP server", () => {
  it("can be added later, serves one query after the other, and is asked while nobody reads the messages", async () => {
    const connection = {
      baseURL: edge.stack.url,
      token: edge.stack.token,
      account: ACCOUNT,
    };
    let close: () => void = () => {};
    const open = new Promise<void>((resolve) => (close = resolve));
    const prompt = (async function* () {
      const content = `${CALL.replace("%say The end.", "%say And.")}\n${READ}`;
      yield {
        type: "user" as const,
        message: { role: "user" as const, content },
        parent_tool_use_id: null,
      };
      await open;
    })();
    const conversation = query({ edge: connection, prompt, options: { allowedTools } });
    const servers = { kit: kit("added"), desk };
    const { added, errors } = await conversation.setMcpServers(servers);
    expect({ added: added.toSorted(), errors }).toEqual({ added: ["desk", "kit"], errors: {} });
    await until("the servers are connected", async () => {
      const found = await conversation.mcpServerStatus();
      const connected = found.filter(({ status }) => status === "connected");
      return connected.some(({ name }) => name === "kit") && connected.length === 2;
    });
    let id = "";
    for await (const message of conversation) {
      id = message.session_id ?? id;
      if (message.type === "result") close();
    }
    expect(await told(id)).toContain("added");
    expect(await told(id)).toContain("Measure twice.");
  });
});
