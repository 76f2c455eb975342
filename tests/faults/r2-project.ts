import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TEMPLATE = fileURLToPath(new URL("../../cli/template", import.meta.url));

/** Below the repository's folder, so that its packages are found. */
const PROJECTS = fileURLToPath(new URL("../.test-projects", import.meta.url));

const BINDING = '"r2_buckets": [{ "binding": "FILES", "bucket_name": "files" }],';

/** A copy of the template project whose files are kept in R2, as wrangler runs it on this machine; the caller's to remove. */
export function makeR2Project(): string {
  mkdirSync(PROJECTS, { recursive: true });
  const project = mkdtempSync(join(PROJECTS, "r2-"));
  const isSource = (path: string) => !/\.wrangler|node_modules|\.dev\.vars/.test(path);
  cpSync(TEMPLATE, project, {
    recursive: true,
    filter: (path) => isSource(path.slice(TEMPLATE.length)),
  });
  const config = readFileSync(join(project, "wrangler.jsonc"), "utf8");
  const at = config.indexOf('"durable_objects"');
  const changed = `${config.slice(0, at)}${BINDING}\n  ${config.slice(at)}`;
  writeFileSync(join(project, "wrangler.jsonc"), changed);
  return project;
}
