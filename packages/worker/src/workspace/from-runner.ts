import { EdgeError, toWireError, type WireError } from "@claude-edge/protocol";
import { readLines } from "@claude-edge/protocol/internal";
import type { CheckpointFrame, WorkspaceEntry } from "@claude-edge/protocol/runner";

import { callRunner, openRunner, type ContainerStub } from "../account/runner-client.js";
import { ByteReader } from "./byte-reader.js";
import { applyChanges } from "./edit.js";
import type { FileStore } from "./file-store.js";
import { EMPTY } from "./tree.js";
import { entriesBetween, walk } from "./walk.js";

/** What a checkpoint of a runner's came to, before it is written down. */
export interface Arrived {
  /** The state of the session's files with it; undefined when it failed. */
  root?: string;
  error?: WireError;
}

/** Blobs are asked for in requests of this size: what has come is kept when a later one fails. */
const ASK_BYTES = 32 * 1024 * 1024;
const ASK_BLOBS = 2_000;

/** A store that fails is tried this often; that it is full does not pass by waiting. */
const TRIES = 3;
const RETRY_MS = 500;

/** A runner that nobody has told of the session's files. */
const UNKNOWN = { root: EMPTY, base: EMPTY, whole: 1 };

interface Wanted {
  sha256: string;
  size: number;
}

/**
 * Fetches a checkpoint from its runner and stores what is new of it.
 * @param isThere The runner with this boot has not been replaced, and the session is wanted: else it is told of neither.
 * @throws Error when the runner cannot be reached: whoever follows its log tries again, or finds it lost.
 */
export async function fetchCheckpoint(
  files: FileStore,
  container: ContainerStub,
  boot: string,
  frame: CheckpointFrame,
  isThere: () => boolean,
): Promise<Arrived> {
  if (frame.error) return { error: frame.error };
  const { session, number, full } = frame;
  const path = `/sessions/${session}/checkpoints/${number}`;
  const entries = frame.entries ?? (await readEntries(container, path));
  const { root: known, base, whole } = files.runners.get(session, boot) ?? UNKNOWN;
  const isWhole = full || whole === 1;
  const note = (root: string, isStored: boolean) => {
    if (isThere()) files.runners.advance(session, boot, root, isStored);
  };
  return files.blobs.write(async (writer) => {
    const root = applyChanges(files.trees, full ? EMPTY : known, entries);
    const current = files.checkpoints.stateAt(session).root;
    // Where a caller has written since, what the runner has changed goes on top of that.
    const arrived =
      current === base
        ? root
        : applyChanges(files.trees, current, entriesBetween(files.trees, base, root));
    // What an earlier one could not store is still there, with the runner.
    const wanted = isWhole ? contentsOf(entries) : contentsIn(files, root);
    for (let tries = 1; ; tries += 1) {
      try {
        await fetchBlobs(files, wanted, async (group) => {
          const blobs = group.map(({ sha256 }) => sha256);
          const response = await openRunner(container, "POST", `${path}/blobs`, { blobs }).catch(
            (cause: unknown) => {
              throw new EdgeError("upload_cut", "The runner did not answer.", undefined, cause);
            },
          );
          const reader = new ByteReader(response.body!);
          for (const { sha256, size } of group) {
            await writer.add(reader.take(size), { hash: sha256, size });
          }
          await writer.end();
          // To its end: see runner-client.ts.
          await reader.next();
        });
        break;
      } catch (thrown) {
        await writer.abort();
        const error = toWireError(thrown);
        // The runner did not give it, which is no fault of the store's: its log tells whether it is there. What it told
        // behind this checkpoint must not be told without it.
        if (error.code === "upload_cut") throw thrown;
        if (error.code === "internal" && tries < TRIES) {
          await scheduler.wait(RETRY_MS * tries);
          continue;
        }
        console.error(`checkpoint ${number} of ${session} could not be stored`, thrown);
        note(root, false);
        return { error: error.code === "internal" ? unavailable(thrown) : error };
      }
    }
    note(root, true);
    return { root: arrived };
  });
}

/** Tells a runner that it may forget what a checkpoint holds. One that is not told keeps it until the next. */
export async function releaseCheckpoint(
  container: ContainerStub,
  { session, number }: CheckpointFrame,
): Promise<void> {
  const path = `/sessions/${session}/checkpoints/${number}`;
  await callRunner(container, "DELETE", path).catch(() => {});
}

async function readEntries(container: ContainerStub, path: string): Promise<WorkspaceEntry[]> {
  const { body } = await openRunner(container, "GET", path);
  const entries: WorkspaceEntry[] = [];
  for await (const lines of readLines(body!.getReader())) {
    for (const line of lines) entries.push(JSON.parse(line) as WorkspaceEntry);
  }
  return entries;
}

async function fetchBlobs(
  files: FileStore,
  wanted: Wanted[],
  fetchGroup: (group: Wanted[]) => Promise<void>,
): Promise<void> {
  const missing = new Set(files.blobs.missing(wanted.map(({ sha256 }) => sha256)));
  let group: Wanted[] = [];
  let bytes = 0;
  for (const blob of wanted) {
    if (!missing.delete(blob.sha256)) continue;
    group.push(blob);
    bytes += blob.size;
    if (bytes < ASK_BYTES && group.length < ASK_BLOBS) continue;
    await fetchGroup(group);
    [group, bytes] = [[], 0];
  }
  if (group.length > 0) await fetchGroup(group);
}

const contentsOf = (entries: WorkspaceEntry[]): Wanted[] =>
  entries.filter((entry) => entry.type === "file");

function contentsIn(files: FileStore, root: string): Wanted[] {
  const contents = [];
  for (const { node } of walk(files.trees, root)) if (node.type === "file") contents.push(node);
  return contents;
}

const unavailable = (thrown: unknown): WireError =>
  toWireError(new EdgeError("workspace_unavailable", "The files could not be stored.", {}, thrown));
