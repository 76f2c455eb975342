import type { FileChange, FileEntry } from "@claude-edge/client";

import { humanBytes } from "../terminal/bytes.js";
import { printableName } from "../terminal/printable.js";

const LETTERS = ["r", "w", "x"];
const KINDS = { file: "-", directory: "d", symlink: "l" };

/** A file's kind and permissions as `ls -l` has them. */
export function modeText({ type, mode }: FileEntry): string {
  const bits = Array.from({ length: 9 }, (_, at) => (mode & (0o400 >> at) ? LETTERS[at % 3] : "-"));
  return KINDS[type] + bits.join("");
}

/** Files for people to read: names are whole, however long. */
export function fileTable(entries: FileEntry[]): string {
  const rows = entries.map((entry) => [modeText(entry), humanBytes(entry.size), nameOf(entry)]);
  const width = Math.max(...rows.map(([, size]) => size!.length));
  return rows.map(([mode, size, name]) => `${mode}  ${size!.padStart(width)}  ${name}\n`).join("");
}

function nameOf({ path, type, target }: FileEntry): string {
  if (type === "directory") return `${printableName(path)}/`;
  return target === undefined
    ? printableName(path)
    : `${printableName(path)} -> ${printableName(target)}`;
}

const MARKS = { added: "A", modified: "M", deleted: "D" };

/** A change in a line, as `git diff --name-status` has it, with what became of size, mode or kind. */
export function changeLine({ path, change, before, after }: FileChange): string {
  return `${MARKS[change]}  ${printableName(path)}  ${whatChanged(before, after)}\n`;
}

function whatChanged(before: FileEntry | undefined, after: FileEntry | undefined): string {
  if (!before || !after) return sizeOf(before ?? after);
  if (before.type !== after.type) return `${before.type} → ${after.type}`;
  const [was, is] = [sizeOf(before), sizeOf(after)];
  const sizes = was === is ? is : `${was} → ${is}`;
  if (before.mode === after.mode) return sizes;
  return `${sizes}, mode ${before.mode.toString(8)} → ${after.mode.toString(8)}`;
}

const sizeOf = (entry: FileEntry | undefined) =>
  entry === undefined || entry.type !== "file" ? (entry?.type ?? "") : humanBytes(entry.size);
