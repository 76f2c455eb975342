import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { rmSync, mkdirSync } from "node:fs";

import type { Session } from "@claude-edge/client";
import { unpackTar } from "modern-tar";

import { TOOLS } from "./tools.ts";

/** What a folder holds, told by its own shell: each path with its type and mode, what links say, what files hold. */
export const LOOK =
  "export LC_ALL=C; find . -mindepth 1 -printf '%y %m %P %l\\n' | sort; find . -type f -exec sha256sum {} + | sort";

const run = (command: string, folder: string) =>
  execFileSync("bash", ["-c", command], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

/** How a workspace is: as {@link LOOK} has it. */
export type Look = string;

/** How the files are before the turn and after each of its tools: the same commands, run here. */
export function expectedLooks(folder: string): Look[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const looks = [""];
  for (const { command } of TOOLS) {
    run(command, folder);
    looks.push(run(LOOK, folder).trim());
  }
  return looks;
}

/** How a session's files are for its callers: what is listed, and the bytes that a tar of it holds, which must agree. */
export async function storedLook(session: Session, at?: number): Promise<Look> {
  const state = at === undefined ? {} : { at };
  const lines: string[] = [];
  const sums: string[] = [];
  for await (const entry of session.files.list("", { recursive: true, ...state })) {
    const letter = { file: "f", directory: "d", symlink: "l" }[entry.type];
    lines.push(line(letter, entry.mode, entry.path, entry.target));
    if (entry.type === "file") sums.push(`${entry.sha256}  ./${entry.path}`);
  }
  const listed = lookOf(lines, sums);
  const packed = await tarLook(session, state);
  if (packed !== listed) throw new Error(`list and tar differ: ${firstDifference(packed, listed)}`);
  return listed;
}

async function tarLook(session: Session, state: { at?: number }): Promise<Look> {
  const lines: string[] = [];
  const sums: string[] = [];
  for (const { header, data } of await unpackTar(await session.files.tar("", state))) {
    const path = header.name.replace(/\/$/, "");
    const letter = header.type === "directory" ? "d" : header.type === "symlink" ? "l" : "f";
    lines.push(line(letter, header.mode ?? 0, path, header.linkname));
    if (letter !== "f") continue;
    const sum = createHash("sha256")
      .update(data ?? new Uint8Array())
      .digest("hex");
    sums.push(`${sum}  ./${path}`);
  }
  return lookOf(lines, sums);
}

const line = (letter: string, mode: number, path: string, target = "") =>
  `${letter} ${mode.toString(8)} ${path} ${target}`;

const byBytes = (left: string, right: string) =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));

const lookOf = (lines: string[], sums: string[]): Look =>
  [...lines.toSorted(byBytes), ...sums.toSorted(byBytes)].join("\n").trim();

/** The first line in which two differ, in few words. */
export function firstDifference(is: Look, expected: Look): string {
  const [left, right] = [is.split("\n"), expected.split("\n")];
  const at = right.findIndex((text, index) => left[index] !== text);
  const index = at < 0 ? right.length : at;
  return `"${left[index]?.slice(0, 120)}" instead of "${right[index]?.slice(0, 120)}"`;
}

/** Lines that two states share: what one tool leaves alone. */
export const shared = (left: Look, right: Look): string[] => {
  const lines = new Set(left.split("\n"));
  return right.split("\n").filter((text) => lines.has(text));
};
