import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { writePrivateFile } from "../secrets/private-file.js";
import { originOf } from "./url.js";

/** Where `claude-edge dev` and `serve` keep their data, relative to the project's folder. */
export const DATA_FOLDER: string = join(".wrangler", "claude-edge");

const fileOf = (folder: string) => join(folder, DATA_FOLDER, "dev.json");

/** How to reach a running `claude-edge dev`; it writes this to a file for other commands. */
export interface DevFile {
  url: string;
  token: string;
  /** The process that serves it. */
  pid: number;
}

/** Whether the process with this id still runs. */
export function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The `dev` that runs in a folder, or in one above it. */
export function findDev(folder: string): DevFile | undefined {
  const project = findDevProject(folder);
  return project === undefined ? undefined : readDevFile(project);
}

/** The folder a `dev` runs in: this one, or one above it. */
export function findDevProject(folder: string): string | undefined {
  if (readDevFile(folder)) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : findDevProject(parent);
}

/** The `dev` that runs in a folder. */
export function readDevFile(folder: string): DevFile | undefined {
  const path = fileOf(folder);
  if (!existsSync(path)) return undefined;
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as DevFile;
    return isAlive(file.pid) && originOf(file.url)?.startsWith("http://localhost:")
      ? file
      : undefined;
  } catch {
    // Stale or half written, from a `dev` that was killed.
    return undefined;
  }
}

/** The file of a `dev` that no longer runs, in this folder or above it. */
export function findStaleDevFile(folder: string): string | undefined {
  const path = fileOf(folder);
  if (existsSync(path) && !readDevFile(folder)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : findStaleDevFile(parent);
}

export function writeDevFile(folder: string, file: DevFile): void {
  const path = fileOf(folder);
  mkdirSync(dirname(path), { recursive: true });
  writePrivateFile(path, `${JSON.stringify(file)}\n`);
}

export const removeDevFile = (folder: string): void => rmSync(fileOf(folder), { force: true });
