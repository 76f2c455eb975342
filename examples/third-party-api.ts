/**
 * An API that wants a key: the agent's programs call it with `$WEATHER_KEY`, and never hold the key itself.
 *
 *   API_URL=https://api.example.com API_KEY=… CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/third-party-api.ts
 *
 * The network policy must allow the API's host. The lines with % tell the model of local mode what to do; write prompts of
 * your own for a real one.
 */
import assert from "node:assert/strict";

import { ClaudeEdge, type EdgeEvent } from "@claude-edge/client";

const { API_URL: url = "", API_KEY: value = "" } = process.env;
assert(url && value, "Set API_URL and API_KEY.");

const edge = new ClaudeEdge();
const command = `curl -sS -H "Authorization: Bearer $WEATHER_KEY" '${url}/v1/weather?city=Rome'; echo " $WEATHER_KEY"`;
const turn = edge.query(
  `What is the weather?\n%tool Bash ${JSON.stringify({ command })}\n%say Done.`,
  {
    allowedTools: ["Bash"],
    secrets: { WEATHER_KEY: { value, hosts: [new URL(url).host] } },
  },
);

const events: EdgeEvent[] = [];
for await (const event of turn) events.push(event);
console.log((await turn.result()).text);

const told = JSON.stringify(events);
assert(told.includes("Sunny in Rome."), "the API has answered");
assert(
  told.includes("ce_secret_") && !told.includes(value),
  "the agent has seen a placeholder alone",
);
