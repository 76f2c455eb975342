import type { CheckpointResource } from "@claude-edge/protocol/wire";

import { ApiError } from "../errors.js";
import { SessionFiles } from "../files/session-files.js";
import type { Transport } from "../transport.js";
import { advance, turnEvents } from "../turn-stream.js";

/** What became of the files: as the Agent SDK's `RewindFilesResult`. */
interface Outcome {
  canRewind: boolean;
  error?: string;
  filesChanged?: string[];
}

/**
 * Gives a session's files the state that they had when the agent got a user message: that of the last checkpoint before.
 * The conversation stays. `dryRun` only says what would change.
 */
export async function rewindFiles(
  transport: Transport,
  session: string,
  message: string,
  dryRun: boolean,
): Promise<Outcome> {
  const path = `/v1/sessions/${session}`;
  const files = new SessionFiles(transport, path);
  const seq = await arrivalOf(transport, session, message);
  if (seq === undefined) {
    return { canRewind: false, error: `No user message ${message} in this session.` };
  }
  const checkpoint = await stateBefore(seq, files.checkpoints());
  if (checkpoint === undefined) return { canRewind: true, filesChanged: [] };
  const filesChanged: string[] = [];
  for await (const change of files.diff({ from: checkpoint })) filesChanged.push(change.path);
  if (!dryRun) {
    const idempotencyKey = crypto.randomUUID();
    const body = { checkpoint };
    await transport.json(`${path}/rewind`, { method: "POST", body, idempotencyKey });
  }
  return { canRewind: true, filesChanged };
}

/** The event with which the agent got a message: its turn began, or a running one took it in. Undefined without one. */
async function arrivalOf(
  transport: Transport,
  session: string,
  message: string,
): Promise<number | undefined> {
  const position = { sessionId: session, turnId: message, lastSeq: 0 };
  const request = { path: "", body: {}, idempotencyKey: "", signal: undefined };
  try {
    for await (const batch of turnEvents(transport, request, position)) {
      for (const event of batch) {
        advance(position, event);
        if (event.kind === "turn" && event.status === "running") return event.seq;
      }
    }
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "turn_not_found")) throw error;
  }
  return undefined;
}

/** The number of the last checkpoint before an event, 0 for none; undefined when no files have changed since. */
async function stateBefore(
  seq: number,
  newestFirst: AsyncIterable<CheckpointResource>,
): Promise<number | undefined> {
  let hasChanged = false;
  for await (const { checkpoint } of newestFirst) {
    if (checkpoint < seq) return hasChanged ? checkpoint : undefined;
    hasChanged = true;
  }
  return hasChanged ? 0 : undefined;
}
