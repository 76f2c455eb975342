/**
 * The figures of files alone, beside tar and git on the same files. Build first.
 *
 *   node bench/files.mjs            7 rounds
 *   node bench/files.mjs 3 1000     3 rounds, with 1000 files
 */
import "../scripts/own-node.mjs";

import { measureFiles } from "./files/main.mjs";
import { reportFiles } from "./files/report.mjs";
import { saveResults } from "./results.mjs";

const [rounds, files] = process.argv.slice(2).map(Number);
const figures = await measureFiles({ rounds, files });
reportFiles(figures);
saveResults({ files: figures });
