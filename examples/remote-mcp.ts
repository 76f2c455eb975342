/**
 * A remote MCP server that wants a token: the agent in the container calls its tools, and never holds the token.
 *
 *   MCP_URL=https://mcp.example.com/mcp MCP_TOKEN=… CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/remote-mcp.ts
 *
 * The network policy of a new project allows the hosts of MCP servers. The lines with % tell the model of local mode what
 * to do; write prompts of your own for a real one.
 */
import assert from "node:assert/strict";

import { ClaudeEdge, type EdgeEvent } from "@claude-edge/client";

const { MCP_URL: url = "", MCP_TOKEN: token = "" } = process.env;
assert(url && token, "Set MCP_URL and MCP_TOKEN.");

const edge = new ClaudeEdge();
const turn = edge.query(
  'What is the weather?\n%tool mcp__weather__weather {"city":"Paris"}\n%say Done.',
  {
    // The header becomes a secret of the session: the container has a placeholder in its place.
    mcpServers: { weather: { type: "http", url, headers: { Authorization: `Bearer ${token}` } } },
    allowedTools: ["mcp__weather__weather"],
  },
);

const events: EdgeEvent[] = [];
for await (const event of turn) {
  events.push(event);
  // A server that is not reached is told with the first message; its tools are missing then.
  if (event.kind === "message" && event.message.subtype === "init") {
    console.log(JSON.stringify(event.message.mcp_servers));
  }
}
console.log((await turn.result()).text);

const told = JSON.stringify(events);
assert(told.includes("Sunny in Paris."), "the tool has answered");
assert(!told.includes(token), "the token is in no event");
