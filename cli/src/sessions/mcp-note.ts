import type { EdgeEvent } from "@claude-edge/client";

import { oneLine } from "../terminal/printable.js";

interface ServerStatus {
  name?: unknown;
  status?: unknown;
}

/** For people: which MCP servers the agent did not reach. Empty for every other event. */
export function mcpNote(event: EdgeEvent): string {
  if (event.kind !== "message") return "";
  const { type, subtype, mcp_servers: servers } = event.message;
  if (type !== "system" || subtype !== "init" || !Array.isArray(servers)) return "";
  return (servers as ServerStatus[])
    .filter(({ status }) => status === "failed" || status === "needs-auth")
    .map(({ name, status }) => {
      const why = status === "failed" ? "could not be reached" : "wants a login";
      return `note: the MCP server ${oneLine(String(name), 100)} ${why}, so its tools are missing\n`;
    })
    .join("");
}
