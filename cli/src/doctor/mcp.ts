import type { ClaudeEdge } from "@claude-edge/client";

import { oneLine } from "../terminal/printable.js";
import { fail, ok, type Finding } from "./finding.js";

/** How often servers that are still connecting are looked at, and the pause between, milliseconds. */
const LOOKS = 10;
const PAUSE_MS = 1_000;

interface ServerStatus {
  name: string;
  status: string;
  error?: string;
}

/** Whether the MCP servers of the agent's definition are reached: a session is made, asked and deleted. It asks no model. */
export async function checkMcpServers(edge: ClaudeEdge, signal: AbortSignal): Promise<Finding> {
  const session = await edge.sessions.create({ signal });
  try {
    let servers: ServerStatus[] = [];
    for (let look = 0; look < LOOKS; look += 1) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      servers = (await session.control("mcpServerStatus", [], { signal })) as ServerStatus[];
      if (servers.every(({ status }) => status !== "pending")) break;
    }
    if (servers.length === 0) return ok("the agent has none");
    const missing = servers.filter(({ status }) => status !== "connected" && status !== "disabled");
    if (missing.length === 0) return ok(servers.map(({ name }) => oneLine(name)).join(", "));
    const told = missing.map(({ name, status, error }) =>
      oneLine(`${name}: ${status}${error === undefined ? "" : ` (${error})`}`, 200),
    );
    const fix =
      "for a remote one look at its URL and token in agent.config.ts, and allow its host in CLAUDE_EDGE_NETWORK; for one that is a command, whether the image has it";
    return fail(told.join(", "), fix);
  } finally {
    await session.delete().catch(() => {});
  }
}
