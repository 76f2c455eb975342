import type { FileChange, FileEntry, SessionFiles } from "@claude-edge/client";

import { printableName } from "../terminal/printable.js";

/** Larger ones are only said to differ, bytes: of each side. */
const MAX_BYTES = 1_000_000;
/** How long it may take to find out what two texts have in common, milliseconds. */
const MAX_MS = 5_000;
const NOTHING = "/dev/null";

/** Which states a change is between. */
export interface States {
  from: string | number;
  to: string | undefined;
}

/** A change as a unified diff; of what is no text, or too much of it, that it differs. */
export async function patchOf(
  change: FileChange,
  files: SessionFiles,
  { from, to }: States,
  signal: AbortSignal,
): Promise<string> {
  const { path, before, after } = change;
  const [old, now] = [`a/${printableName(path)}`, `b/${printableName(path)}`];
  const head = `diff --git ${old} ${now}\n${modeLines(before, after)}`;
  if (isSame(before, after)) return head;
  const tooLarge = `${head}Files ${old} and ${now} differ, and are too large to compare\n`;
  if ([before, after].some((entry) => entry && entry.size > MAX_BYTES)) return tooLarge;
  const [was, is] = await Promise.all([
    textOf(before, files, from, signal),
    textOf(after, files, to, signal),
  ]);
  if (was === undefined || is === undefined) {
    return `${head}Binary files ${old} and ${now} differ\n`;
  }
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import("diff");
  const patch = createTwoFilesPatch(
    before ? old : NOTHING,
    after ? now : NOTHING,
    was,
    is,
    undefined,
    undefined,
    { context: 3, headerOptions: FILE_HEADERS_ONLY, timeout: MAX_MS },
  );
  return patch === undefined ? tooLarge : `${head}${patch}`;
}

/** Only its permissions are others. */
const isSame = (before: FileEntry | undefined, after: FileEntry | undefined) =>
  before?.type === after?.type &&
  before?.sha256 === after?.sha256 &&
  before?.target === after?.target;

function modeLines(before: FileEntry | undefined, after: FileEntry | undefined): string {
  if (!before) return after ? `new file mode ${gitMode(after)}\n` : "";
  if (!after) return `deleted file mode ${gitMode(before)}\n`;
  const [was, is] = [gitMode(before), gitMode(after)];
  return was === is ? "" : `old mode ${was}\nnew mode ${is}\n`;
}

const GIT_KINDS = { file: "100", symlink: "120", directory: "040" };

const gitMode = ({ type, mode }: FileEntry): string =>
  `${GIT_KINDS[type]}${type === "file" ? mode.toString(8).padStart(3, "0") : "000"}`;

/** What a file says, a link its target; undefined for what is no text. */
async function textOf(
  entry: FileEntry | undefined,
  files: SessionFiles,
  at: string | number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!entry || entry.type === "directory") return "";
  if (entry.type === "symlink") return entry.target ?? "";
  const bytes = await (await files.get(entry.path, { at, signal })).bytes();
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
