import type { SessionOptions } from "@claude-edge/protocol";

import { patternOf, targetOf } from "./target.js";

/** The hosts of the remote MCP servers in a session's options and those of its agents, as patterns of `allowed_hosts`. */
export function mcpHosts({ mcpServers = {}, agents = {} }: SessionOptions): string[] {
  const servers = [mcpServers, ...Object.values(agents).flatMap(serversOfAgent)];
  const urls = servers.flatMap((named) => Object.values(named)).flatMap(urlOf);
  return [...new Set(urls.map((url) => patternOf(targetOf(url))))];
}

/** An agent lists names of the session's servers, and objects of its own servers by name. */
function serversOfAgent({ mcpServers }: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(mcpServers) ? mcpServers.filter((entry) => isObject(entry)) : [];
}

function urlOf(server: unknown): URL[] {
  const url = isObject(server) ? server.url : undefined;
  return typeof url === "string" && URL.canParse(url) ? [new URL(url)] : [];
}

/** The host of a URL, as a pattern of `allowed_hosts`. */
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
