import { readFileSync } from "node:fs";
import { join } from "node:path";

import { useProject } from "./project.js";
import { TEMPLATE } from "./stack.js";

/** What a project adds to its wrangler.jsonc to keep files in R2. */
const BINDING = '"r2_buckets": [{ "binding": "FILES", "bucket_name": "files" }],';

/** A copy of the template project whose files are kept in R2, as wrangler runs it on this machine. */
export function useR2Project(): string {
  const config = readFileSync(join(TEMPLATE, "wrangler.jsonc"), "utf8");
  const at = config.indexOf('"durable_objects"');
  return useProject({
    "wrangler.jsonc": `${config.slice(0, at)}${BINDING}\n  ${config.slice(at)}`,
  });
}
