import { createReadStream } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { EdgeError } from "@claude-edge/protocol";
import type {
  CheckpointTaken,
  TakeCheckpoint,
  WantedBlobs,
  WorkspacePlan,
} from "@claude-edge/protocol/runner";

import type { Sessions } from "../sessions/registry.js";
import { readJson } from "./respond.js";
import type { Call } from "./router.js";

/** The handlers of the routes about files. */

export async function putWorkspace(
  sessions: Sessions,
  { request, params }: Call<"session">,
): Promise<WorkspacePlan> {
  return {
    missing: await withBody(request, (body) => sessions.putWorkspace(params.session, body)),
  };
}

export async function putBlobs(
  sessions: Sessions,
  { request, params }: Call<"session">,
): Promise<WorkspacePlan> {
  return { missing: await withBody(request, (body) => sessions.putBlobs(params.session, body)) };
}

export async function takeCheckpoint(
  sessions: Sessions,
  { request, params }: Call<"session">,
): Promise<CheckpointTaken> {
  const ask = await readJson<TakeCheckpoint>(request);
  return { cursor: await sessions.takeCheckpoint(params.session, ask) };
}

export async function sendEntries(
  { workspaces }: Sessions,
  { params, response }: Call<"session" | "n">,
): Promise<void> {
  const entries = createReadStream(workspaces.entriesFile(params.session, Number(params.n)));
  await new Promise((resolve, reject) => entries.once("open", resolve).once("error", reject)).catch(
    (cause: unknown) => {
      const message = "There is no such checkpoint here, or it was stored already.";
      throw new EdgeError("checkpoint_not_found", message, undefined, cause);
    },
  );
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  await pipeline(entries, response);
}

export async function sendBlobs(
  { workspaces }: Sessions,
  { request, params, response }: Call<"session" | "n">,
): Promise<void> {
  const { blobs } = await readJson<WantedBlobs>(request);
  const { size, bytes } = await workspaces.blobs(params.session, Number(params.n), blobs);
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": size,
  });
  await pipeline(Readable.from(bytes, { objectMode: false }), response);
}

export async function releaseCheckpoint(
  { workspaces }: Sessions,
  { params }: Call<"session" | "n">,
): Promise<object> {
  await workspaces.release(params.session, Number(params.n));
  return {};
}

/** Processes a body as it arrives. On failure the rest is read and dropped: the answer only gets through after it. */
async function withBody<T>(
  request: IncomingMessage,
  work: (body: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  try {
    return await work(request.iterator({ destroyOnReturn: false }));
  } catch (error) {
    for await (const _rest of request.iterator({ destroyOnReturn: false })) {
      // Dropped.
    }
    throw error;
  }
}
