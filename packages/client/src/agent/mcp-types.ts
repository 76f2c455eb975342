/** MCP servers, as the Agent SDK has them; `test/types.test.ts` compares them. */
/** @ts-ignore: the Agent SDK is an optional peer of 400 MB. Without it everything of `sdk` is an error type. */
import type * as sdk from "@anthropic-ai/claude-agent-sdk";

import type { Installed } from "../installed.js";

/** The permission policy of one of a server's tools, set in the server's config. */
interface McpToolPolicy {
  name: string;
  permission_policy?: "always_allow" | "always_ask" | "always_deny";
  org_max_permission?: "allow" | "ask" | "blocked";
}

export interface McpServerSettings {
  /** Time limit of one tool call, milliseconds. */
  timeout?: number;
  /** Shows its tools to the model from the start, without a tool search. */
  alwaysLoad?: boolean;
}

/** An MCP server that is a program in the container. */
interface McpStdioServerConfig extends McpServerSettings {
  type?: "stdio";
  command: string;
  args?: string[];
  env?: Record<string, string>;
}

/** An MCP server that the container reaches over HTTP. */
interface McpRemoteServerConfig extends McpServerSettings {
  type: "http" | "sse";
  url: string;
  headers?: Record<string, string>;
  tools?: McpToolPolicy[];
}

/** An MCP server object: `McpServer` or `Server` of the MCP SDK, or anything with their `connect` and `close`. */
interface McpServerInstance {
  connect(transport: never): Promise<void>;
  close?(): Promise<void> | void;
}

/** An MCP server object: the MCP SDK's `McpServer`, as the Agent SDK names it. */
type InstalledMcpServer = Installed<
  sdk.McpSdkServerConfigWithInstance["instance"],
  McpServerInstance
>;

/** An MCP server that runs in this program: what `createSdkMcpServer` makes. */
export interface McpSdkServerConfig {
  type: "sdk";
  name: string;
  timeout?: number;
  tools?: McpToolPolicy[];
  instance: InstalledMcpServer;
}

/** An MCP server of a session: the Agent SDK's `McpServerConfig`. */
export type McpServerConfig = McpStdioServerConfig | McpRemoteServerConfig | McpSdkServerConfig;
