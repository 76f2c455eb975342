import { EdgeError, errorPolicy, isErrorCode, toWireError } from "@claude-edge/protocol";
import type { WorkspaceEntry, WorkspacePlan, WorkspaceTarget } from "@claude-edge/protocol/runner";

import { callRunner, type ContainerStub } from "../container/runner-client.js";
import { mergeChunks, streamOf } from "./byte-reader.js";
import type { FileStore } from "./file-store.js";
import { blobBytes, ndjson } from "./transfer.js";
import { EMPTY } from "./tree.js";
import { entriesBetween, walk } from "./walk.js";

/** Timeout of one transfer, milliseconds: a workspace may have gigabytes. */
const TRANSFER_TIMEOUT_MS = 30 * 60_000;

/** How often a broken transfer is continued. Content that has arrived is not sent again. */
const TRIES = 3;

/** Files that an agent reads at startup, before its first tool. They are sent first. */
const HOT = /^(?:CLAUDE(?:\.local)?\.md|AGENTS\.md|\.mcp\.json|\.claude\/.*|attachments\/.*)$/;

/** A transfer of a workspace to a runner. */
export interface WorkspaceTransfer {
  /** Resolves when all files have arrived. */
  complete: Promise<void>;
  /** How many contents the runner lacked; absent when it had the files. */
  missing?: number;
}

/**
 * Sends a session's files to its runner, except those it has. Resolves when the files that a turn needs at its start
 * have arrived. The rest follows during the first model call, and tools wait for it.
 * @param isCurrent Whether the runner still has this boot: its replacement answers under the same name.
 * @throws EdgeError `workspace_unavailable`, and as the runner's refusal.
 */
export async function sendWorkspace(
  files: FileStore,
  container: ContainerStub,
  session: string,
  boot: string,
  isCurrent: () => boolean,
): Promise<WorkspaceTransfer> {
  const { root } = files.checkpoints.stateAt();
  const known = files.runner.get(boot);
  const done = { complete: Promise.resolve() };
  if (known?.root === root) return done;
  if (!known && root === EMPTY) {
    files.runner.set(boot, EMPTY);
    return done;
  }
  const from = known?.root ?? EMPTY;
  // The runner's state is unknown until the transfer completes. If it is cut off, the next one sends everything.
  files.runner.clear();
  const assertCurrent = () => {
    if (!isCurrent()) throw new EdgeError("container_lost", "The runner was replaced.");
  };
  const sendPlan = async () => {
    assertCurrent();
    const body = planStream(files, { full: !known }, from, root);
    return send(container, `/sessions/${session}/workspace`, body);
  };
  const sendBlobs = async (hashes: string[]) => {
    assertStored(files, root, hashes);
    if (hashes.length === 0) return [];
    assertCurrent();
    const body = blobStream(files, hashes);
    return send(container, `/sessions/${session}/workspace/blobs`, body);
  };

  const missing = await sendPlan();
  const hot = hotHashes(files, root);
  const first = hot ? missing.filter((hash) => hot.has(hash)) : missing;
  const rest = await sendBlobs(first).catch(() => undefined);
  const complete = (async () => {
    let left = rest && first.length > 0 ? rest : rest ? missing : await sendPlan();
    for (let tries = 0; left.length > 0 && tries < TRIES; tries += 1) {
      left = await sendBlobs(left).catch((error: unknown) => {
        if (tries + 1 >= TRIES || !errorPolicy(toWireError(error).code).retryable) throw error;
        return sendPlan();
      });
    }
    if (left.length > 0) {
      const message = `${left.length} files of the session did not reach its container.`;
      throw new EdgeError("workspace_unavailable", message);
    }
    assertCurrent();
    files.runner.set(boot, root);
  })();
  complete.catch(() => {});
  if (first.length === missing.length) await complete;
  return { complete, missing: missing.length };
}

/** Hashes of the files that a turn needs at its start. Undefined means all: Claude Code runs git status at startup. */
function hotHashes(files: FileStore, root: string): Set<string> | undefined {
  if (files.trees.at(root, [".git"])) return undefined;
  const hot = new Set<string>();
  for (const { path, node } of walk(files.trees, root, { deep: false })) {
    if (node.type === "file" && HOT.test(path)) hot.add(node.sha256);
    if (node.type !== "directory" || !HOT.test(`${path}/`)) continue;
    for (const inside of walk(files.trees, node.tree)) {
      if (inside.node.type === "file") hot.add(inside.node.sha256);
    }
  }
  return hot;
}

async function send(
  container: ContainerStub,
  path: string,
  body: ReadableStream<Uint8Array>,
): Promise<string[]> {
  type Answer = Partial<WorkspacePlan> & { error?: string; message?: string };
  const {
    ok,
    status,
    body: answer,
  } = await callRunner<Answer>(container, "PUT", path, body, TRANSFER_TIMEOUT_MS);
  if (ok) return answer.missing ?? [];
  // A turn is running, and its tools only run over a complete workspace. So all files have arrived.
  if (answer.error === "turn_running") return [];
  if (isErrorCode(answer.error)) throw new EdgeError(answer.error, answer.message ?? "");
  const message = `The runner answered ${status} to the session's files.`;
  throw new EdgeError("workspace_unavailable", message);
}

/** @throws EdgeError `file_damaged` with the paths whose content is no longer stored. */
function assertStored(files: FileStore, root: string, hashes: string[]): void {
  const lost = new Set(files.blobs.missing(hashes));
  if (lost.size === 0) return;
  const paths = [];
  for (const { path, node } of walk(files.trees, root)) {
    if (node.type === "file" && lost.has(node.sha256)) paths.push(path);
  }
  const message = `What is stored of ${paths.join(", ")} is damaged.`;
  throw new EdgeError("file_damaged", message.slice(0, 1_000), { paths: paths.slice(0, 100) });
}

function planStream(
  files: FileStore,
  target: WorkspaceTarget,
  from: string,
  to: string,
): ReadableStream<Uint8Array> {
  function* lines(): Generator<WorkspaceTarget | WorkspaceEntry> {
    yield target;
    yield* entriesBetween(files.trees, from, to);
  }
  return streamOf(ndjson(lines()));
}

const blobStream = (files: FileStore, hashes: string[]): ReadableStream<Uint8Array> =>
  streamOf(mergeChunks(blobBytes(files.blobs, hashes)));
