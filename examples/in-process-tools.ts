/**
 * A program written for the Agent SDK: its agent runs in the container; its tool, which reads a map in this process,
 * its hook and its permissions run here.
 *
 *   CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/in-process-tools.ts
 *
 * Needs @modelcontextprotocol/sdk and zod. The lines with % tell the model of local mode what to do.
 */
import assert from "node:assert/strict";

import { createSdkMcpServer, query, tool } from "@claude-edge/client";
import * as z from "zod";

const stock = new Map([["chair", 12]]);
const seen: string[] = [];

const count = tool(
  "count",
  "How many of an article are in stock",
  { article: z.string() },
  async ({ article }) => ({
    content: [{ type: "text", text: `${stock.get(article) ?? 0} of ${article}` }],
  }),
);

let result = "";
for await (const message of query({
  prompt: [
    "How many chairs are left? Order some.",
    '%tool mcp__shop__count {"article":"chair"}',
    '%tool Bash {"command":"curl https://orders.example"}',
    "%say There are 12, and I may not order any.",
  ].join("\n"),
  options: {
    mcpServers: { shop: createSdkMcpServer({ name: "shop", tools: [count], alwaysLoad: true }) },
    allowedTools: ["mcp__shop__count"],
    canUseTool: async (name) => {
      seen.push(`asked for ${name}`);
      return { behavior: "deny", message: "Not from here." };
    },
    hooks: {
      PostToolUse: [
        {
          matcher: "mcp__shop__.*",
          hooks: [
            async (event) => {
              if (event.hook_event_name === "PostToolUse") seen.push(`used ${event.tool_name}`);
              return {};
            },
          ],
        },
      ],
    },
  },
})) {
  if (message.type === "result" && message.subtype === "success") ({ result } = message);
  if (message.type !== "user" || !Array.isArray(message.message.content)) continue;
  for (const block of message.message.content) {
    if (block.type === "tool_result") seen.push(JSON.stringify(block.content));
  }
}

console.log(seen.join("\n"));
console.log(result);
assert.equal(result, "There are 12, and I may not order any.");
assert(seen.includes("used mcp__shop__count"));
assert(seen.includes("asked for Bash"));
assert(seen.some((line) => line.includes("12 of chair")));
assert(seen.some((line) => line.includes("Not from here.")));
