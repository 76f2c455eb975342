/** @ts-ignore: the Agent SDK is an optional peer of 400 MB. Without it everything of `sdk` is an error type. */
import type * as sdk from "@anthropic-ai/claude-agent-sdk";

import type { Installed } from "../installed.js";
import type { McpSdkServerConfig } from "./mcp-types.js";
import type { AgentQueryOptions, AgentQueryStream, AgentUserMessage } from "./query-types.js";
import type {
  InferShape,
  ServerDefinition,
  ToolDefinition,
  ToolExtras,
  ToolResult,
  ToolShape,
} from "./tool-types.js";

/** The options of `query()`: the Agent SDK's. */
export type Options = Installed<sdk.Options, AgentQueryOptions>;

/** What `query()` returns: the Agent SDK's `Query`. */
export type Query = Installed<sdk.Query, AgentQueryStream>;

/** A message of a streaming prompt: the Agent SDK's. */
export type SDKUserMessage = Installed<sdk.SDKUserMessage, AgentUserMessage>;

/** The Agent SDK's `tool`. */
export type Tool = Installed<
  typeof sdk.tool,
  <Shape extends ToolShape>(
    name: string,
    description: string,
    inputSchema: Shape,
    handler: (args: InferShape<Shape>, extra: unknown) => Promise<ToolResult>,
    extras?: ToolExtras,
  ) => ToolDefinition<Shape>
>;

/** The Agent SDK's `createSdkMcpServer`. */
export type CreateSdkMcpServer = Installed<
  typeof sdk.createSdkMcpServer,
  (options: ServerDefinition) => McpSdkServerConfig
>;
