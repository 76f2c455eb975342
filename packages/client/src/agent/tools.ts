import type { McpSdkServerConfigWithInstance } from "@anthropic-ai/claude-agent-sdk";
import { clientError } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "../errors.js";
import type { CreateSdkMcpServer, Tool } from "./sdk.js";

/** Describes a tool of an in-process MCP server; as the Agent SDK's `tool`. */
export const tool: Tool = (name, description, inputSchema, handler, extras) => {
  const meta = {
    ...(extras?.searchHint ? { "anthropic/searchHint": extras.searchHint } : {}),
    ...(extras?.alwaysLoad ? { "anthropic/alwaysLoad": true } : {}),
  };
  return {
    name,
    description,
    inputSchema,
    handler,
    ...(extras?.annotations ? { annotations: extras.annotations } : {}),
    ...(Object.keys(meta).length > 0 ? { _meta: meta } : {}),
  };
};

type ServerOptions = Parameters<CreateSdkMcpServer>[0];

/**
 * Makes an MCP server of tools that run in this program; as the Agent SDK's `createSdkMcpServer`. The MCP SDK
 * (`@modelcontextprotocol/sdk`, a peer) is loaded when the agent first asks the server something. For resources,
 * prompts or notifications pass an `McpServer` of your own: `{ type: "sdk", name, instance }`.
 */
export const createSdkMcpServer: CreateSdkMcpServer = (options) => {
  const { name, timeout } = options;
  const instance = new ToolServer(options) as unknown as McpSdkServerConfigWithInstance["instance"];
  return { type: "sdk", name, instance, ...(timeout === undefined ? {} : { timeout }) };
};

/** Becomes an `McpServer` when it is connected. */
class ToolServer {
  readonly #options: ServerOptions;
  #server: McpSdkServerConfigWithInstance["instance"] | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  async connect(transport: never): Promise<void> {
    const { McpServer } = await import("@modelcontextprotocol/sdk/server/mcp.js").catch(
      (cause: unknown) => {
        const message = "In-process tools need @modelcontextprotocol/sdk beside this package.";
        throw new ClaudeEdgeError(clientError("package_missing", message), { cause });
      },
    );
    const { name, version = "1.0.0", instructions, tools = [], alwaysLoad } = this.#options;
    const server = new McpServer(
      { name, version },
      { capabilities: { tools: {} }, ...(instructions === undefined ? {} : { instructions }) },
    );
    for (const { name: of, description, inputSchema, annotations, _meta, handler } of tools) {
      const meta = alwaysLoad ? { "anthropic/alwaysLoad": true, ..._meta } : _meta;
      const config = {
        description,
        inputSchema,
        ...(annotations ? { annotations } : {}),
        ...(meta ? { _meta: meta } : {}),
      };
      server.registerTool(of, config as never, handler as never);
    }
    this.#server = server;
    await server.connect(transport);
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}
