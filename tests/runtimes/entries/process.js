/** The suite as a program of its own, for Node, Bun and Deno: a line of JSON for each check, and one that says it has ended. */
import { ClaudeEdge, query } from "@claude-edge/client";

import { run } from "../suite.js";

const given = JSON.parse(process.env.SUITE_GIVEN);
const print = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`);
await run({ ClaudeEdge, query, ...given }, print);
print({ ended: true });
