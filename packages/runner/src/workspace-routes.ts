import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import { EdgeError } from "@claude-edge/protocol";
import type {
  CheckpointTaken,
  TakeCheckpoint,
  WantedBlobs,
  WorkspacePlan,
} from "@claude-edge/protocol/runner";

import type { Sessions } from "./sessions.js";

const WORKSPACE = /^\/sessions\/([0-9a-f-]{36})\/workspace$/;
const BLOBS = /^\/sessions\/([0-9a-f-]{36})\/workspace\/blobs$/;
const CHECKPOINTS = /^\/sessions\/([0-9a-f-]{36})\/checkpoints$/;
const CHECKPOINT = /^\/sessions\/([0-9a-f-]{36})\/checkpoints\/(\d{1,9})$/;
const CHECKPOINT_BLOBS = /^\/sessions\/([0-9a-f-]{36})\/checkpoints\/(\d{1,9})\/blobs$/;

/** Answers what is asked about the files of sessions. False when it is something else that is asked. */
export async function onWorkspace(
  sessions: Sessions,
  request: IncomingMessage,
  path: string,
  response: ServerResponse,
): Promise<boolean> {
  const { method } = request;
  const workspace = method === "PUT" && WORKSPACE.exec(path);
  const blobs = method === "PUT" && BLOBS.exec(path);
  const taken = method === "POST" && CHECKPOINTS.exec(path);
  const wanted = method === "POST" && CHECKPOINT_BLOBS.exec(path);
  const entries = method === "GET" && CHECKPOINT.exec(path);
  const stored = method === "DELETE" && CHECKPOINT.exec(path);
  if (workspace) {
    const missing = await withBody(request, (body) => sessions.putWorkspace(workspace[1]!, body));
    answer(response, { missing } satisfies WorkspacePlan);
  } else if (blobs) {
    const missing = await withBody(request, (body) =>
      sessions.workspaces.putBlobs(blobs[1]!, body),
    );
    answer(response, { missing } satisfies WorkspacePlan);
  } else if (taken) {
    const asked = JSON.parse(await text(request)) as TakeCheckpoint;
    const cursor = await sessions.takeCheckpoint(taken[1]!, asked);
    answer(response, { cursor } satisfies CheckpointTaken);
  } else if (wanted) {
    const { blobs: hashes } = JSON.parse(await text(request)) as WantedBlobs;
    await sendBlobs(sessions, wanted[1]!, Number(wanted[2]), hashes, response);
  } else if (entries) {
    await sendEntries(sessions.workspaces.entriesFile(entries[1]!, Number(entries[2])), response);
  } else if (stored) {
    await sessions.workspaces.release(stored[1]!, Number(stored[2]));
    answer(response, {});
  } else return false;
  return true;
}

/** Works on a body as it comes. What is left of it when that fails is read all the same: the answer comes behind it. */
async function withBody<T>(
  request: IncomingMessage,
  work: (body: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  try {
    return await work(request.iterator({ destroyOnReturn: false }));
  } catch (error) {
    for await (const _rest of request.iterator({ destroyOnReturn: false })) {
      // Nobody wants it.
    }
    throw error;
  }
}

async function sendBlobs(
  sessions: Sessions,
  session: string,
  number: number,
  hashes: string[],
  response: ServerResponse,
): Promise<void> {
  const { size, bytes } = await sessions.workspaces.blobs(session, number, hashes);
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": size,
  });
  await pipeline(Readable.from(bytes, { objectMode: false }), response);
}

async function sendEntries(file: string, response: ServerResponse): Promise<void> {
  const entries = createReadStream(file);
  await new Promise((resolve, reject) => entries.once("open", resolve).once("error", reject)).catch(
    (cause: unknown) => {
      const message = "There is no such checkpoint here, or it was stored already.";
      throw new EdgeError("checkpoint_not_found", message, undefined, cause);
    },
  );
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  await pipeline(entries, response);
}

function answer(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}
