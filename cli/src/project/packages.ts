import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { EdgeError } from "@claude-edge/protocol/errors";

declare const __VERSION__: string;

/** A package as a project finds it. */
export interface Package {
  folder: string;
  version: string;
  bin?: Record<string, string>;
  dependencies?: Record<string, string>;
}

/** Where modules are resolved from: a project, or a package that it has. */
interface Folder {
  folder: string;
}

/** Undefined when it is not installed. */
function findPackage(project: Folder, name: string): Package | undefined {
  try {
    return readManifest(requireOf(project).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** @throws EdgeError `package_missing`. */
export function needPackage(project: Folder, name: string): Package {
  const found = findPackage(project, name);
  if (found) return found;
  throw new EdgeError("package_missing", `${name} is not installed in ${project.folder}.`);
}

/** Resolves modules as the project's own code does. */
export const requireOf = ({ folder }: Folder): NodeJS.Require =>
  createRequire(join(folder, "package.json"));

const readManifest = (path: string): Package => ({
  ...(JSON.parse(readFileSync(path, "utf8")) as Package),
  folder: dirname(path),
});

/** Worker and container are made of these, so that a project has them. */
const NEEDED = ["@claude-edge/worker", "@claude-edge/runner"];
const OPTIONAL = ["@claude-edge/local", "@claude-edge/client", "@claude-edge/protocol"];

/** Our packages in a project: they speak one protocol, and this program with them, so all are of one version. */
export interface OwnPackages {
  installed: { name: string; version: string }[];
  /** Those that every project needs and this one has not. */
  missing: string[];
  /** The installed ones of another version than this program. */
  differing: { name: string; version: string }[];
}

export function findOwnPackages(project: Folder): OwnPackages {
  const installed = [...NEEDED, ...OPTIONAL].flatMap((name) => {
    const found = findPackage(project, name);
    return found ? [{ name, version: found.version }] : [];
  });
  return {
    installed,
    missing: NEEDED.filter((name) => !installed.some((one) => one.name === name)),
    differing: installed.filter(({ version }) => version !== __VERSION__),
  };
}

/** As people read it: `@claude-edge/worker 0.1.0, @claude-edge/runner 0.1.0`. */
export const listed = (packages: { name: string; version: string }[]): string =>
  packages.map(({ name, version }) => `${name} ${version}`).join(", ");

export const AGENT_SDK = "@anthropic-ai/claude-agent-sdk";

/** The Agent SDK's version as the runner finds it, and the one that the runner is built for. */
export function findAgentSdk(project: Folder): {
  version?: string | undefined;
  wanted?: string | undefined;
} {
  const runner = findPackage(project, "@claude-edge/runner");
  if (!runner) return {};
  const wanted = runner.dependencies?.[AGENT_SDK];
  try {
    // Its package.json is not exported; its entry lies beside it.
    const entry = requireOf(runner).resolve(AGENT_SDK);
    return { version: readManifest(join(dirname(entry), "package.json")).version, wanted };
  } catch {
    return { wanted };
  }
}
