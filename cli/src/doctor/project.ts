import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";

import { fail, ok, skip, warn, type Finding } from "./finding.js";

declare const __VERSION__: string;

const CONFIG_NAMES = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];
const PACKAGES = ["@claude-edge/worker", "@claude-edge/runner"];
const SDK = "@anthropic-ai/claude-agent-sdk";

/** What is installed in a project. */
export interface Installed {
  folder: string;
  /** By package; undefined for one that is missing. */
  versions: Record<string, string | undefined>;
  /** The Agent SDK's version, and the one that its runner is built for. */
  sdk: string | undefined;
  wantedSdk: string | undefined;
}

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
}

/** The project in a folder; undefined where there is none. */
export function readProject(folder: string): Installed | undefined {
  if (!CONFIG_NAMES.some((name) => existsSync(join(folder, name)))) return undefined;
  const require = createRequire(join(folder, "package.json"));
  const pathOf = (name: string) => attempt(() => require.resolve(`${name}/package.json`));
  const manifests = PACKAGES.map((name) => manifestAt(pathOf(name)));
  const versions = Object.fromEntries(
    PACKAGES.map((name, index) => [name, manifests[index]?.version]),
  );
  const runner = pathOf("@claude-edge/runner");
  // Its package.json is not exported; its entry lies beside it.
  const sdk = runner && attempt(() => createRequire(runner).resolve(SDK));
  return {
    folder,
    versions,
    sdk: sdk && manifestAt(join(dirname(sdk), "package.json"))?.version,
    wantedSdk: manifests[PACKAGES.indexOf("@claude-edge/runner")]?.dependencies?.[SDK],
  };
}

function manifestAt(path: string | undefined): Manifest | undefined {
  return path === undefined
    ? undefined
    : attempt(() => JSON.parse(readFileSync(path, "utf8")) as Manifest);
}

function attempt<Value>(get: () => Value): Value | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}

/** `isNamed`: the folder was asked for, so that something should be there. */
export function checkProject(
  folder: string,
  project: Installed | undefined,
  isNamed: boolean,
): Finding<Installed> {
  if (project) return ok(folder, project);
  const message = `There is no wrangler.jsonc in ${folder}`;
  return isNamed
    ? fail(message, "name the folder that holds it")
    : skip(`${message}: the project's checks are left out`);
}

/** Whether what is installed belongs together, and with this program. */
export function checkPackages({ versions, sdk, wantedSdk }: Installed): Finding {
  const missing = PACKAGES.filter((name) => versions[name] === undefined);
  if (missing.length > 0) {
    return fail(`not installed: ${missing.join(", ")}`, "run `npm install` in the project");
  }
  const listed = PACKAGES.map((name) => `${name} ${versions[name]}`).join(", ");
  const install = (version: string) =>
    `npm install ${PACKAGES.map((name) => `${name}@${version}`).join(" ")}`;
  if (new Set(Object.values(versions)).size > 1) {
    return fail(`versions differ: ${listed}`, `\`${install(__VERSION__)}\``);
  }
  if (sdk !== wantedSdk) {
    const fix = `run \`npm install\`; if it stays so, take ${SDK} out of the project's package.json and its overrides`;
    return sdk === undefined
      ? fail(`not installed: ${SDK}`, fix)
      : warn(`the Agent SDK is ${sdk}; the runner is built for ${wantedSdk}`, fix);
  }
  if (versions[PACKAGES[0]!] !== __VERSION__) {
    const fix = `\`npm install --save-dev claude-edge@${versions[PACKAGES[0]!]}\` there, or \`${install(__VERSION__)}\``;
    return warn(`${listed}; this claude-edge is ${__VERSION__}`, fix);
  }
  return ok(`${listed}, Agent SDK ${sdk}`);
}

/** The variables of a project's `.dev.vars`. */
export function readDevVars({ folder }: Installed): Record<string, string | undefined> {
  const path = join(folder, ".dev.vars");
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}
