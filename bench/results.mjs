/** The figures of the last run of each part. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("results.json", import.meta.url);

/** Puts some figures into bench/results.json and leaves the others there as they are. */
export function saveResults(figures) {
  const known = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {};
  writeFileSync(FILE, `${JSON.stringify({ ...known, ...figures }, null, 2)}\n`);
}
