/**
 * What a large checkpoint of one session does to the delay of another's events. Build first.
 *
 *   node bench/checkpoint.mjs          500 MB beside 30 s of events
 *   node bench/checkpoint.mjs 50 10    50 MB beside 10 s
 */
import "../scripts/own-node.mjs";

import { measureCheckpoint } from "./load/checkpoint.mjs";
import { reportCheckpoint } from "./load/report.mjs";
import { saveResults } from "./results.mjs";

const [megabytes, seconds] = process.argv.slice(2).map(Number);
const checkpoint = await measureCheckpoint({ megabytes, seconds });
reportCheckpoint(checkpoint);
saveResults({ checkpoint });
