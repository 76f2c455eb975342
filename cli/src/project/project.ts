import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { needPackage, requireOf } from "./packages.js";

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

/** The project in a folder; undefined where there is none. */
export function projectIn(folder: string): Project | undefined {
  const configPath = CONFIG_NAMES.map((name) => join(folder, name)).find((file) =>
    existsSync(file),
  );
  return configPath === undefined ? undefined : { folder, configPath };
}

/** @throws EdgeError `project_not_found`. */
export function findProject(path: string, cwd: string): Project {
  const folder = resolve(cwd, path);
  const project = projectIn(folder);
  if (project) return project;
  throw new EdgeError("project_not_found", `There is no wrangler.jsonc in ${folder}.`);
}

/** @throws EdgeError `project_not_found`. */
export function assertFolder(folder: string): void {
  if (existsSync(folder)) return;
  throw new EdgeError("project_not_found", `There is no folder ${folder}.`);
}

/**
 * The wrangler config as wrangler understands it: JSON with comments or TOML, with the environment that is chosen.
 * @throws EdgeError `wrangler_failed`, `package_missing`.
 */
export async function readProjectConfig(
  project: Project,
  { env }: Pick<Context, "env">,
): Promise<ProjectConfig> {
  needPackage(project, "wrangler");
  const entry = requireOf(project).resolve("wrangler");
  const wrangler = (await import(pathToFileURL(entry).href)) as {
    unstable_readConfig: (
      args: { config: string; env: string | undefined },
      options: object,
    ) => ProjectConfig;
  };
  try {
    const args = { config: project.configPath, env: env.CLOUDFLARE_ENV || undefined };
    return wrangler.unstable_readConfig(args, { hideWarnings: true });
  } catch (cause) {
    const message = `${project.configPath}: ${(cause as Error).message}`;
    throw new EdgeError("wrangler_failed", message, undefined, cause);
  }
}
