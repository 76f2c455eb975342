import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll } from "vitest";

const TEMPLATE = fileURLToPath(new URL("../../template", import.meta.url));
/** Below the CLI's folder, so that its packages are found. */
const PROJECTS = fileURLToPath(new URL("../.test-projects", import.meta.url));

/** The name of each project's Worker. */
export const WORKER = "my-agent";

/** Makes projects out of the template, gone after the file's tests. */
export function useProjects(): (edit?: (config: string) => string) => string {
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
  });
  return (edit = (config) => config) => {
    mkdirSync(PROJECTS, { recursive: true });
    const folder = mkdtempSync(join(PROJECTS, "p-"));
    made.push(folder);
    cpSync(TEMPLATE, folder, { recursive: true, filter: (path) => !path.includes(".wrangler") });
    const path = join(folder, "wrangler.jsonc");
    const config = readFileSync(path, "utf8").replace(/"name": "[^"]*"/, `"name": "${WORKER}"`);
    writeFileSync(path, edit(config));
    return folder;
  };
}

/** Where secrets could turn up that were given to the CLI: the arguments of its processes, files, wrangler's logs. */
export interface Traces {
  env: Record<string, string>;
  /** The arguments of each process that was started. */
  args: () => string[];
  /** All of it, as one text. */
  all: () => string;
  /** Temporary files that were left behind. */
  leftovers: () => string[];
}

export function traceSecrets(home: string): Traces {
  const [preload, argsPath, temp] = ["args.cjs", "args.txt", "tmp"].map((name) => join(home, name));
  mkdirSync(temp!);
  writeFileSync(argsPath!, "");
  writeFileSync(
    preload!,
    `require("node:fs").appendFileSync(${JSON.stringify(argsPath)}, process.argv.join(" ") + "\\n");`,
  );
  const args = () => readFileSync(argsPath!, "utf8").trimEnd().split("\n");
  const filesOf = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  return {
    env: { NODE_OPTIONS: `--require ${preload}`, TMPDIR: temp! },
    args,
    all: () => {
      const logs = join(home, ".config", ".wrangler");
      const files = existsSync(logs) ? filesOf(logs) : [];
      return [...args(), ...files.map((path) => readFileSync(path, "utf8"))].join("\n");
    },
    leftovers: () => filesOf(temp!),
  };
}
