/**
 * The rows that a turn writes in the Durable Objects, by statement. Build first.
 *
 *   node bench/rows.mjs
 */
import "../scripts/own-node.mjs";

import { saveResults } from "./results.mjs";
import { measureRows } from "./rows/main.mjs";
import { reportRows } from "./rows/report.mjs";

const rows = await measureRows();
reportRows(rows);
saveResults({ rows });
