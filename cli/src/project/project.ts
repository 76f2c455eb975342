import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { EdgeError } from "@claude-edge/protocol/errors";

const CONFIG_NAMES = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];

/** A project on disk: the folder that holds a wrangler config. */
export interface Project {
  folder: string;
  configPath: string;
}

/** What of the wrangler config matters here. */
export interface ProjectConfig {
  /** The Worker's. */
  name?: string | undefined;
  secrets?: { required?: string[] } | undefined;
  containers?: { image?: string; images?: Record<string, { dockerfile?: string }> }[] | undefined;
}

/** @throws EdgeError `project_not_found`. */
export function findProject(path: string, cwd: string): Project {
  const folder = resolve(cwd, path);
  const configPath = CONFIG_NAMES.map((name) => join(folder, name)).find((file) =>
    existsSync(file),
  );
  if (configPath) return { folder, configPath };
  throw new EdgeError("project_not_found", `There is no wrangler.jsonc in ${folder}.`);
}

/** A package as the project finds it; undefined when it is not installed. */
export function findPackage(
  { folder }: Project,
  name: string,
): { folder: string; version: string; bin?: Record<string, string> } | undefined {
  try {
    const path = createRequire(join(folder, "package.json")).resolve(`${name}/package.json`);
    const manifest = JSON.parse(readFileSync(path, "utf8")) as {
      version: string;
      bin?: Record<string, string>;
    };
    return { ...manifest, folder: dirname(path) };
  } catch {
    return undefined;
  }
}

/** @throws EdgeError `package_missing`. */
export function needPackage(
  project: Project,
  name: string,
): NonNullable<ReturnType<typeof findPackage>> {
  const found = findPackage(project, name);
  if (found) return found;
  throw new EdgeError("package_missing", `${name} is not installed in ${project.folder}.`);
}

/**
 * The wrangler config as wrangler understands it: JSON with comments or TOML, with the environment that is chosen.
 * @throws EdgeError `wrangler_failed`, `package_missing`.
 */
export async function readProjectConfig(project: Project): Promise<ProjectConfig> {
  needPackage(project, "wrangler");
  const require = createRequire(join(project.folder, "package.json"));
  const wrangler = (await import(pathToFileURL(require.resolve("wrangler")).href)) as {
    unstable_readConfig: (args: { config: string }, options: object) => ProjectConfig;
  };
  try {
    return wrangler.unstable_readConfig({ config: project.configPath }, { hideWarnings: true });
  } catch (cause) {
    const message = `${project.configPath}: ${(cause as Error).message}`;
    throw new EdgeError("wrangler_failed", message, undefined, cause);
  }
}
