import { EdgeError, toWireError, type WireError } from "@claude-edge/protocol";
import { readLines } from "@claude-edge/protocol/internal";
import type { CheckpointFrame, WorkspaceEntry } from "@claude-edge/protocol/runner";

import { callRunner, openRunner, type ContainerStub } from "../container/runner-client.js";
import { logger } from "../logger.js";
import { ByteReader } from "./byte-reader.js";
import { applyChanges } from "./edit.js";
import type { FileStore } from "./file-store.js";
import { EMPTY } from "./tree.js";
import { entriesBetween, walk } from "./walk.js";

/** The outcome of a checkpoint that was fetched and not yet applied. */
export interface FetchedCheckpoint {
  /** The root of the session's files including this checkpoint; undefined when it failed. */
  root?: string;
  /** The root of what the runner has. */
  runnerRoot?: string;
  error?: WireError;
}

/** Limits of one request for blobs. Blobs of finished requests are kept when a later request fails. */
const BATCH_BYTES = 32 * 1024 * 1024;
const BATCH_BLOBS = 2_000;

/** Attempts to store blobs. A full store is not retried. */
const TRIES = 3;
const RETRY_MS = 500;

/** The state of a runner that has not received the session's files. */
const UNKNOWN = { root: EMPTY, base: EMPTY, whole: 1 };

interface Wanted {
  sha256: string;
  size: number;
}

interface CheckpointSource {
  session: string;
  boot: string;
  frame: CheckpointFrame;
}

/**
 * Fetches a checkpoint from its runner and stores its new content.
 * @throws Error when the runner cannot be reached: the follower of its log retries, or declares the runner lost.
 */
export async function fetchCheckpoint(
  files: FileStore,
  container: ContainerStub,
  { session, boot, frame }: CheckpointSource,
): Promise<FetchedCheckpoint> {
  if (frame.error) return { error: frame.error };
  const { number, full } = frame;
  const path = `/sessions/${session}/checkpoints/${number}`;
  const entries = frame.entries ?? (await readEntries(container, path));
  const { root: known, base, whole } = files.runner.get(boot) ?? UNKNOWN;
  const isWhole = full || whole === 1;
  return files.blobs.write(async (writer) => {
    const root = applyChanges(files.trees, full ? EMPTY : known, entries);
    const current = files.checkpoints.stateAt().root;
    // If a caller has written meanwhile, the runner's changes are applied on top.
    const merged =
      current === base
        ? root
        : applyChanges(files.trees, current, entriesBetween(files.trees, base, root));
    files.awaited = [root, merged];
    // The runner still has the content that an earlier checkpoint failed to store.
    const wanted = isWhole ? filesOf(entries) : allFilesIn(files, root);
    for (let tries = 1; ; tries += 1) {
      try {
        await fetchBlobs(files, wanted, async (batch) => {
          const blobs = batch.map(({ sha256 }) => sha256);
          const response = await openRunner(container, "POST", `${path}/blobs`, { blobs }).catch(
            (cause: unknown) => {
              throw new EdgeError("upload_cut", "The runner did not answer.", undefined, cause);
            },
          );
          const reader = new ByteReader(response.body!);
          for (const { sha256, size } of batch) {
            await writer.add(reader.take(size), { hash: sha256, size });
          }
          await writer.end();
          // The body must be read to its end: see runner-client.ts.
          await reader.next();
        });
        break;
      } catch (thrown) {
        await writer.abort();
        const error = toWireError(thrown);
        // The runner failed, not the store. Frames after this checkpoint must not be applied without it, so the follower
        // decides whether to retry or to declare the runner lost.
        if (error.code === "upload_cut") throw thrown;
        if (error.code === "internal" && tries < TRIES) {
          await scheduler.wait(RETRY_MS * tries);
          continue;
        }
        logger.error("checkpoint not stored", {
          ...files.subject,
          checkpoint: number,
          error: thrown,
        });
        const told = error.code === "internal" ? unavailable(thrown) : error;
        return { runnerRoot: root, error: told };
      }
    }
    return { root: merged, runnerRoot: root };
  });
}

/** Allows a runner to delete a checkpoint's content. If this call is lost, the next one covers it. */
export async function releaseCheckpoint(
  container: ContainerStub,
  session: string,
  { number }: CheckpointFrame,
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
  fetchBatch: (batch: Wanted[]) => Promise<void>,
): Promise<void> {
  const missing = new Set(files.blobs.missing(wanted.map(({ sha256 }) => sha256)));
  let batch: Wanted[] = [];
  let bytes = 0;
  for (const blob of wanted) {
    if (!missing.delete(blob.sha256)) continue;
    batch.push(blob);
    bytes += blob.size;
    if (bytes < BATCH_BYTES && batch.length < BATCH_BLOBS) continue;
    await fetchBatch(batch);
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) await fetchBatch(batch);
}

const filesOf = (entries: WorkspaceEntry[]): Wanted[] =>
  entries.filter((entry) => entry.type === "file");

function allFilesIn(files: FileStore, root: string): Wanted[] {
  const contents = [];
  for (const { node } of walk(files.trees, root)) if (node.type === "file") contents.push(node);
  return contents;
}

const unavailable = (thrown: unknown): WireError =>
  toWireError(new EdgeError("workspace_unavailable", "The files could not be stored.", {}, thrown));
