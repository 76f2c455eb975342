import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";

import { EdgeError } from "@claude-edge/protocol";

/** A scaffolded project on disk. */
export interface Project {
  folder: string;
  /** Its package's name, fit for an image's tag. */
  name: string;
  configPath: string;
  /** Variables of its `.dev.vars`. */
  vars: Record<string, string>;
  /** The runner its container would run. */
  runner: string;
}

const CONFIG_NAMES = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];

/**
 * Reads a project's folder.
 * @throws EdgeError `project_not_found` without a wrangler config, `package_missing` without the runner.
 */
export function readProject(path: string): Project {
  const folder = resolve(path);
  const configPath = CONFIG_NAMES.map((name) => join(folder, name)).find((file) =>
    existsSync(file),
  );
  if (!configPath) {
    throw new EdgeError("project_not_found", `There is no wrangler.jsonc in ${folder}.`);
  }
  const varsPath = join(folder, ".dev.vars");
  const vars = existsSync(varsPath) ? parseEnv(readFileSync(varsPath, "utf8")) : {};
  return {
    folder,
    name: nameOf(folder),
    configPath,
    vars: vars as Record<string, string>,
    runner: findRunner(folder),
  };
}

function nameOf(folder: string): string {
  const path = join(folder, "package.json");
  const { name = "" } = (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {}) as {
    name?: string;
  };
  return name.toLowerCase().replace(/[^a-z0-9-]+/g, "-") || "agent";
}

function findRunner(folder: string): string {
  const require = createRequire(join(folder, "package.json"));
  try {
    const manifest = require.resolve("@claude-edge/runner/package.json");
    return join(dirname(manifest), "dist", "bin.js");
  } catch (cause) {
    const message = `@claude-edge/runner is not installed in ${folder}.`;
    throw new EdgeError("package_missing", message, undefined, cause);
  }
}
