/**
 * What a deployment costs. docs/production.md has the same table, and where its figures come from.
 *
 *   node bench/cost.mjs
 *   node bench/cost.mjs --measure    the CPU seconds of a container on this machine; build first
 */
import "../scripts/own-node.mjs";

import { reportCost } from "./cost/report.mjs";

if (process.argv.includes("--measure")) {
  const { measureCpu } = await import("./cost/cpu.mjs");
  const { start, turn } = await measureCpu();
  console.log(
    `CPU seconds up to a first answer ${start.toFixed(1)}, in a long turn ${turn.toFixed(1)}`,
  );
} else {
  reportCost();
}
