import { EdgeError, errorPolicy, isErrorCode, toWireError } from "@claude-edge/protocol";
import type { BlobHead, WorkspacePlan, WorkspaceTarget } from "@claude-edge/protocol/runner";

import { callRunner, type ContainerStub } from "../account/runner-client.js";
import { inPieces, streamOf } from "./byte-reader.js";
import type { FileStore } from "./file-store.js";
import { EMPTY } from "./tree.js";
import { entriesBetween, walk } from "./walk.js";

/** Bringing a workspace of gigabytes takes its time, milliseconds. */
const PATIENCE_MS = 30 * 60_000;

/** A transfer that breaks is gone on with this often: what has come is there. */
const TRIES = 3;

/** Lines of a body are sent together up to this size, in characters. */
const PIECE_CHARS = 64 * 1024;

/** What an agent reads when it starts, before its first tool: files like these come first. */
const HOT = /^(?:CLAUDE(?:\.local)?\.md|AGENTS\.md|\.mcp\.json|\.claude\/.*|attachments\/.*)$/;

/** A workspace on its way to a runner. */
export interface Bringing {
  /** All of it is there. */
  whole: Promise<void>;
}

/**
 * Brings a session's files to its runner, as far as it has not got them. Resolves when those are there that a turn
 * begins with; the others follow while it asks the model, and its tools wait for them.
 * @param isThere The runner with this boot has not been replaced: another answers under the same name.
 * @throws EdgeError `workspace_unavailable`, and as the runner's refusal.
 */
export async function bringWorkspace(
  files: FileStore,
  container: ContainerStub,
  session: string,
  boot: string,
  isThere: () => boolean,
): Promise<Bringing> {
  const { root } = files.checkpoints.stateAt(session);
  const there = files.runners.get(session, boot);
  const done = { whole: Promise.resolve() };
  if (there?.root === root) return done;
  if (!there && root === EMPTY) {
    files.runners.set(session, boot, EMPTY);
    return done;
  }
  const from = there?.root ?? EMPTY;
  // Until it is whole nothing is known of what the runner has: whoever takes over brings all of it, which is safe.
  files.runners.delete(session);
  const assertThere = () => {
    if (!isThere()) throw new EdgeError("container_lost", "The runner was replaced.");
  };
  const plan = async () => {
    assertThere();
    const body = targetOf(files, { full: !there }, from, root);
    return send(container, `/sessions/${session}/workspace`, body);
  };
  const give = async (hashes: string[]) => {
    assertStored(files, root, hashes);
    if (hashes.length === 0) return [];
    assertThere();
    const body = blobStream(files, hashes);
    return send(container, `/sessions/${session}/workspace/blobs`, body);
  };

  const missing = await plan();
  const hot = hotHashes(files, root);
  const first = hot ? missing.filter((hash) => hot.has(hash)) : missing;
  const rest = await give(first).catch(() => undefined);
  const whole = (async () => {
    let left = rest && first.length > 0 ? rest : rest ? missing : await plan();
    for (let tries = 0; left.length > 0 && tries < TRIES; tries += 1) {
      left = await give(left).catch((error: unknown) => {
        if (tries + 1 >= TRIES || !errorPolicy(toWireError(error).code).retryable) throw error;
        return plan();
      });
    }
    if (left.length > 0) {
      const message = `${left.length} files of the session did not reach its container.`;
      throw new EdgeError("workspace_unavailable", message);
    }
    assertThere();
    files.runners.set(session, boot, root);
  })();
  whole.catch(() => {});
  if (first.length === missing.length) await whole;
  return { whole };
}

/** The contents that a turn begins with; undefined for all of them: git's status is told to the model at its start. */
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
  } = await callRunner<Answer>(container, "PUT", path, body, PATIENCE_MS);
  if (ok) return answer.missing ?? [];
  // A turn only runs tools over a whole workspace, and nobody else writes meanwhile: it is there.
  if (answer.error === "turn_running") return [];
  if (isErrorCode(answer.error)) throw new EdgeError(answer.error, answer.message ?? "");
  const message = `The runner answered ${status} to the session's files.`;
  throw new EdgeError("workspace_unavailable", message);
}

/** @throws EdgeError `file_damaged` with the paths whose content is not stored any more. */
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

function targetOf(
  files: FileStore,
  target: WorkspaceTarget,
  from: string,
  to: string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  // oxlint-disable-next-line require-await -- a stream's source
  async function* lines() {
    let piece = `${JSON.stringify(target)}\n`;
    for (const entry of entriesBetween(files.trees, from, to)) {
      piece += `${JSON.stringify(entry)}\n`;
      if (piece.length < PIECE_CHARS) continue;
      yield encoder.encode(piece);
      piece = "";
    }
    if (piece !== "") yield encoder.encode(piece);
  }
  return streamOf(lines());
}

function blobStream(files: FileStore, hashes: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  async function* bytes() {
    for await (const { hash, size, bytes: content } of files.blobs.readMany(hashes)) {
      yield encoder.encode(`${JSON.stringify({ sha256: hash, size } satisfies BlobHead)}\n`);
      yield* content;
    }
  }
  return streamOf(inPieces(bytes()));
}
