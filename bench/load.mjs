/**
 * Many sessions of one account at the same time, and one alone, for what company costs. Build first.
 *
 *   node bench/load.mjs            200 sessions of 50 events a second for 60 s, five readers each
 *   node bench/load.mjs 10 10      10 sessions for 10 s
 */
import "../scripts/own-node.mjs";

import { measureLoad } from "./load/main.mjs";
import { reportLoad } from "./load/report.mjs";
import { saveResults } from "./results.mjs";

const [sessions = 200, seconds = 60] = process.argv.slice(2).map(Number);
const load = {
  alone: await measureLoad({ sessions: 1, seconds }),
  together: await measureLoad({ sessions, seconds }),
};
reportLoad(load);
saveResults({ load });
