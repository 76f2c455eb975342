import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project that `claude-edge init` writes. */
export const TEMPLATE: string = fileURLToPath(new URL("../../cli/template", import.meta.url));

/** For stacks of the template: its budget is an account's for a day, and suites spend more on one account. */
export const NO_BUDGET = { CLAUDE_EDGE_DOLLARS_PER_DAY: "" };

/** Below the repository's folder, so that its packages are found. */
const PROJECTS = fileURLToPath(new URL("../.test-projects", import.meta.url));

/** A copy of the template project with other files in it. */
export function makeProject(files: Record<string, string> = {}): {
  folder: string;
  remove: () => void;
} {
  mkdirSync(PROJECTS, { recursive: true });
  const folder = mkdtempSync(join(PROJECTS, "p-"));
  const isSource = (path: string) => !/\.wrangler|node_modules|\.dev\.vars/.test(path);
  cpSync(TEMPLATE, folder, {
    recursive: true,
    filter: (path) => isSource(path.slice(TEMPLATE.length)),
  });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What a project adds to its wrangler.jsonc to keep files in R2. */
const BINDING = '"r2_buckets": [{ "binding": "FILES", "bucket_name": "files" }],';

/** A copy of the template project whose files are kept in R2, as wrangler runs it on this machine. */
export function r2Project(files: Record<string, string> = {}): ReturnType<typeof makeProject> {
  const config = readFileSync(join(TEMPLATE, "wrangler.jsonc"), "utf8");
  const at = config.indexOf('"durable_objects"');
  return makeProject({
    ...files,
    "wrangler.jsonc": `${config.slice(0, at)}${BINDING}\n  ${config.slice(at)}`,
  });
}
