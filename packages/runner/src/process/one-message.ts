import type {
  HookCallback,
  McpSdkServerConfigWithInstance,
  Options,
} from "@anthropic-ai/claude-agent-sdk";
import type { JsonRpcMessage } from "@claude-edge/protocol";
import type { OneMessage } from "@claude-edge/protocol/runner";

import type { Transport } from "../callbacks/mcp-tunnel.js";

/** The client runs the tools, so any tool call ends the turn. */
const defer: HookCallback = async () => ({
  hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "defer" },
});

/** Makes a process ask for a single message, with the client's tools and parameters instead of the agent's. */
export function forOneMessage(
  { hooks: _ofTheAgent, ...options }: Options,
  { tools, body }: OneMessage,
): Options {
  const env = {
    ...options.env,
    CLAUDE_CODE_EXTRA_BODY: JSON.stringify(body),
    // Retries are the client's business: only it knows whether it still wants the answer.
    CLAUDE_CODE_MAX_RETRIES: "0",
    CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: "1",
    CLAUDE_CODE_DISABLE_MODEL_ACCESS_FALLBACK: "1",
    CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK: "1",
    CLAUDE_CODE_DISABLE_REFUSAL_RETRY: "1",
    CLAUDE_AGENT_SDK_MCP_NO_PREFIX: "1",
    ENABLE_TOOL_SEARCH: "false",
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
  };
  if (tools.length === 0) return { ...options, env };
  const instance = new OfferedTools(tools) as unknown as McpSdkServerConfigWithInstance["instance"];
  return {
    ...options,
    env,
    mcpServers: { client: { type: "sdk", name: "client", instance } },
    hooks: { PreToolUse: [{ hooks: [defer] }] },
  };
}

/** An MCP server that lists tools and runs none. */
class OfferedTools {
  readonly #tools: OneMessage["tools"];

  constructor(tools: OneMessage["tools"]) {
    this.#tools = tools;
  }

  async connect(transport: Transport): Promise<void> {
    // oxlint-disable-next-line prefer-add-event-listener -- the MCP SDK's Transport has no other way
    transport.onmessage = (message) => {
      // A notification wants no answer.
      if (message.id === undefined) return;
      void transport.send({ jsonrpc: "2.0", id: message.id, ...this.#answer(message) });
    };
    await transport.start?.();
  }

  async close(): Promise<void> {}

  #answer({ method, params }: JsonRpcMessage): Record<string, unknown> {
    if (method === "initialize") {
      const { protocolVersion } = params as { protocolVersion: string };
      const serverInfo = { name: "client", version: "1" };
      return { result: { protocolVersion, capabilities: { tools: {} }, serverInfo } };
    }
    if (method === "tools/list") {
      const tools = this.#tools.map(({ name, description, input_schema: inputSchema }) => ({
        name,
        ...(description === undefined ? {} : { description }),
        inputSchema,
        _meta: { "anthropic/alwaysLoad": true },
      }));
      return { result: { tools } };
    }
    return { error: { code: -32_601, message: "Its tools are run by the client." } };
  }
}
