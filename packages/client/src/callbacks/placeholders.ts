import type { SessionOptions } from "@claude-edge/protocol/wire";

import type { Hooks } from "../agent/hook-types.js";
import type { McpServerConfig } from "../agent/mcp-types.js";
import { jsonOf } from "../plain-option.js";

/** Hooks with their callbacks replaced by how many there are. */
export function hookCounts(hooks: Hooks): SessionOptions["hooks"] {
  const counted = Object.entries(hooks).map(([event, matchers]) => [
    event,
    // An event that is null or undefined has no hooks, as in the Agent SDK.
    (matchers ?? [])
      .filter(({ hooks: of }) => of.length > 0)
      .map(({ hooks: of, ...matcher }) => ({ ...matcher, hooks: of.length })),
  ]);
  return Object.fromEntries(counted) as SessionOptions["hooks"];
}

/** MCP server configs without the server objects, which stay in this process. */
export function serverConfigs(
  servers: Record<string, McpServerConfig>,
): NonNullable<SessionOptions["mcpServers"]> {
  const configs = Object.entries(servers).map(([name, config]) => {
    if (config.type !== "sdk") return [name, jsonOf(`mcpServers.${name}`, config)];
    const { instance: _instance, ...rest } = config;
    return [name, rest];
  });
  return Object.fromEntries(configs) as NonNullable<SessionOptions["mcpServers"]>;
}
