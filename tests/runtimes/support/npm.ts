import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Unavailable } from "../runtime.ts";
import { output } from "./programs.ts";

const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/runtimes", import.meta.url));

/**
 * The path of a file in a package, installed when it is first asked for: each holds a runtime of 100 MB, too much for
 * everyone who installs this repository. @throws Unavailable
 */
export async function fileOfPackage(name: string, version: string, file: string): Promise<string> {
  const folder = join(CACHE, `${name.replaceAll("/", "+")}@${version}`);
  if (!existsSync(folder)) await install(`${name}@${version}`, folder);
  return join(folder, "node_modules", name, file);
}

/** Installs elsewhere first: a folder of this name is whole. */
async function install(what: string, folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const temp = mkdtempSync(join(CACHE, "install-"));
  try {
    const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await output("npm", ["install", ...flags, "--prefix", temp, what]);
    renameSync(temp, folder);
  } catch (cause) {
    const { message } = cause as Error;
    const reason = message.split("\n").find((line) => line.startsWith("npm error")) ?? message;
    throw new Unavailable(`npm does not give ${what}: ${reason}`, { cause });
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}
