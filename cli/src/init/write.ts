import { randomUUID } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { EdgeError } from "@claude-edge/protocol/errors";

import type { PlannedFile } from "./plan.js";

const entryAt = (path: string) => lstatSync(path, { throwIfNoEntry: false });

/** The project's folder and those in it, each before what is in it. */
function parentsOf(folder: string, files: PlannedFile[]): Set<string> {
  const parents = files.flatMap(({ path }) =>
    path.split("/").map((_name, depth, names) => join(folder, ...names.slice(0, depth))),
  );
  return new Set(parents.toSorted((a, b) => a.length - b.length));
}

/**
 * The planned files that are there already.
 * @throws EdgeError `usage` where something else is in the place of a folder, or a folder in that of a file.
 */
export function conflicts(folder: string, files: PlannedFile[]): string[] {
  for (const parent of parentsOf(folder, files)) {
    if (entryAt(parent) && !statSync(parent, { throwIfNoEntry: false })?.isDirectory()) {
      throw new EdgeError("usage", `${parent} is there, and not a folder.`);
    }
  }
  return files
    .map(({ path }) => path)
    .filter((path) => {
      const entry = entryAt(join(folder, path));
      if (entry?.isDirectory()) {
        throw new EdgeError("usage", `${join(folder, path)} is there, and a folder.`);
      }
      return entry !== undefined;
    });
}

/**
 * Writes a project: whole into a temporary folder, and from there by renaming, so that nobody finds half of a file, and
 * a new folder is there with all it holds or not at all. A folder that is there stays the one it is: somebody's shell is
 * in it, or something is mounted there. Replaces the files it has planned and no other.
 * @throws EdgeError `files_exist` when another has made the folder in the meantime.
 */
export function writeProject(
  folder: string,
  files: PlannedFile[],
  more: (temporary: string) => void,
): void {
  const isThere = existsSync(folder);
  const around = isThere ? folder : dirname(folder);
  mkdirSync(around, { recursive: true });
  const temporary = join(around, `.claude-edge-${randomUUID().slice(0, 8)}`);
  mkdirSync(temporary);
  try {
    for (const { path, text, isSecret } of files) {
      const at = join(temporary, path);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, text, isSecret ? { mode: 0o600 } : {});
    }
    more(temporary);
    if (isThere) moveInto(temporary, folder);
    else moveTo(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** In one step, or not at all. */
function moveTo(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    if (!existsSync(to)) throw cause;
    const message = `${to} has come to be in the meantime.`;
    throw new EdgeError("files_exist", message, undefined, cause);
  }
}

/** File by file, into a folder that may hold others. */
function moveInto(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) moveInto(source, target);
    else renameSync(source, target);
  }
}
