import { createWriteStream, lstatSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { EdgeError } from "@claude-edge/protocol/errors";

import { printableName } from "../terminal/printable.js";
import { findCollision, type DiskNames } from "./collisions.js";
import { leadsOut } from "./links.js";

/** What a tar was unpacked to. */
export interface Unpacked {
  files: number;
  bytes: number;
  /** Links that were not made, and why. */
  skipped: { path: string; reason: string }[];
}

/** What came in a tar; a file waits in the staging folder, by its number. */
interface Contents {
  folders: string[];
  files: Map<string, string>;
  links: Map<string, string>;
  bytes: number;
}

/** Of what is in the way so many are named. */
const MAX_NAMED = 5;

/**
 * Unpacks a tar into a folder and nowhere else: whole into a folder beside its files first, and from there by renaming,
 * when all of it has come and is known to fit. Links that lead out of the folder are left out.
 * @throws EdgeError `name_collision`, `files_exist` without `force`, `tar_invalid`, before any file is in its place.
 */
export async function unpack(
  tar: ReadableStream<Uint8Array>,
  folder: string,
  { force = false }: { force?: boolean | undefined },
): Promise<Unpacked> {
  await mkdir(folder, { recursive: true });
  const staging = await mkdtemp(join(folder, ".claude-edge-pull-"));
  try {
    const contents = await stage(tar, staging);
    assertTree(contents);
    const paths = [...contents.folders, ...contents.files.keys(), ...contents.links.keys()];
    assertNames(paths, await namesOf(staging));
    assertFree(folder, contents, force);
    return await place(folder, contents);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Takes a tar apart; nothing is left of what is twice in it but the last. */
async function stage(tar: ReadableStream<Uint8Array>, staging: string): Promise<Contents> {
  const { createTarDecoder } = await import("modern-tar");
  const contents: Contents = { folders: [], files: new Map(), links: new Map(), bytes: 0 };
  let count = 0;
  for await (const { header, body } of tar.pipeThrough(createTarDecoder({ strict: true }))) {
    const path = pathOf(header.name);
    if (path !== "" && header.type === "directory") contents.folders.push(path);
    if (header.type === "symlink") contents.links.set(path, header.linkname ?? "");
    if (header.type !== "file") {
      await body.cancel();
      continue;
    }
    const staged = join(staging, String((count += 1)));
    contents.files.set(path, staged);
    contents.bytes += header.size;
    const mode = (header.mode ?? 0o644) & 0o777;
    await pipeline(body, createWriteStream(staged, { flags: "wx", mode }));
  }
  return contents;
}

/** A name in a tar as a path in the folder; empty for the folder itself. @throws EdgeError `tar_invalid`. */
function pathOf(name: string): string {
  const path = name.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
  const isHere = path === "" || path === ".";
  const names = path.split("/");
  const isBad =
    path.includes("\0") || names.some((part) => part === "" || part === "." || part === "..");
  // There a backslash is a slash, and a colon ends a drive's name or begins a hidden stream.
  const isElsewhere = process.platform === "win32" && /[\\:]/.test(path);
  if (!isHere && (isBad || isElsewhere)) {
    throw new EdgeError("tar_invalid", `It holds ${printableName(name)}, which leads elsewhere.`);
  }
  return isHere ? "" : path;
}

/** Nothing may be two things at once: a link and a folder that files go into, say. @throws EdgeError `tar_invalid`. */
function assertTree({ folders, files, links }: Contents): void {
  const parents = new Set([...folders, ...[...files.keys(), ...links.keys()].flatMap(parentsOf)]);
  const both = [...files.keys()].find((path) => parents.has(path) || links.has(path));
  const twice = both ?? [...links.keys()].find((path) => parents.has(path));
  if (twice === undefined) return;
  throw new EdgeError("tar_invalid", `It holds ${printableName(twice)} as two different things.`);
}

/** How the disk that a folder is on tells names apart. */
async function namesOf(folder: string): Promise<DiskNames> {
  await writeFile(join(folder, "case-\u00e9"), "");
  const isThere = (name: string) =>
    stat(join(folder, name)).then(
      () => true,
      () => false,
    );
  const [ignoresCase, ignoresForm] = await Promise.all([
    isThere("CASE-\u00e9"),
    isThere("case-e\u0301"),
  ]);
  return { ignoresCase, ignoresForm };
}

/** @throws EdgeError `name_collision`. */
function assertNames(paths: string[], disk: DiskNames): void {
  const collision = findCollision(paths, disk);
  if (!collision) return;
  const [one, other] = collision.map(printableName);
  throw new EdgeError("name_collision", `This disk takes ${one} and ${other} for the same name.`);
}

/** @throws EdgeError `files_exist`, and where a folder or a link is in the way. */
function assertFree(folder: string, { folders, files, links }: Contents, force: boolean): void {
  const paths = [...files.keys(), ...links.keys()];
  const needed = new Set([...folders, ...paths.flatMap(parentsOf)]);
  for (const path of needed) {
    const there = lstatSync(join(folder, path), { throwIfNoEntry: false });
    if (!there || there.isDirectory()) continue;
    const what = there.isSymbolicLink() ? "a link, which is not followed" : "not a folder";
    throw new EdgeError("files_exist", `${printableName(path)} is there, and ${what}.`);
  }
  const inTheWay = paths.filter((path) => {
    const there = lstatSync(join(folder, path), { throwIfNoEntry: false });
    if (!there?.isDirectory()) return there !== undefined;
    throw new EdgeError("files_exist", `${printableName(path)} is there, and a folder.`);
  });
  if (force || inTheWay.length === 0) return;
  const named = inTheWay.slice(0, MAX_NAMED).map(printableName).join(", ");
  const more = inTheWay.length > MAX_NAMED ? ` and ${inTheWay.length - MAX_NAMED} more` : "";
  throw new EdgeError("files_exist", `There already: ${named}${more}.`, { files: inTheWay });
}

const parentsOf = (path: string): string[] => {
  const names = path.split("/");
  return names.slice(0, -1).map((_, depth) => names.slice(0, depth + 1).join("/"));
};

/** Links come last: nothing is written through one. */
async function place(
  folder: string,
  { folders, files, links, bytes }: Contents,
): Promise<Unpacked> {
  for (const path of folders) await mkdir(join(folder, path), { recursive: true });
  for (const [path, staged] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await rename(staged, join(folder, path));
  }
  const skipped: Unpacked["skipped"] = [];
  for (const [path, target] of links) {
    const reason = leadsOut(path, target, links)
      ? `it leads out of the folder, to ${printableName(target)}`
      : await link(join(folder, path), target);
    if (reason !== undefined) skipped.push({ path, reason });
  }
  return { files: files.size + links.size - skipped.length, bytes, skipped };
}

/** Makes a link, in the place of what is there. Gives why it could not. */
async function link(path: string, target: string): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  try {
    await symlink(target, path);
    return undefined;
  } catch (error) {
    // Windows lets only some make links.
    return (error as Error).message;
  }
}
