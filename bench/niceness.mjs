/**
 * What a shell that takes every core does to its runner and to another session of the container, with tools at the
 * runner's priority and at the lower one that they have by default. Build first.
 *
 *   node bench/niceness.mjs           three rounds of 8 loops for 20 s
 *   node bench/niceness.mjs 1 4 10    one round of 4 loops for 10 s
 */
import "../scripts/own-node.mjs";

import { measureNiceness } from "./niceness/main.mjs";
import { reportNiceness } from "./niceness/report.mjs";
import { saveResults } from "./results.mjs";

const [rounds, loops, seconds] = process.argv.slice(2).map(Number);
const niceness = await measureNiceness({ rounds, loops, seconds });
reportNiceness(niceness);
saveResults({ niceness });
