/** The suite in a page: each check is posted to where the page came from. */
import { ClaudeEdge, query } from "@claude-edge/client";

import { run } from "../suite.js";

const given = JSON.parse(document.getElementById("given").textContent);
const print = (line) => fetch("/results", { method: "POST", body: JSON.stringify(line) });
await run({ ClaudeEdge, query, ...given }, print);
await print({ ended: true });
