import {
  EdgeError,
  isErrorCode,
  isFinal,
  type EdgeEvent,
  type SessionResource,
  type TurnResult,
  type TurnStatus,
  type Usage,
} from "@claude-edge/protocol";

import type { AcceptedTurn } from "../session/calls.js";
import type { Account } from "../http/account.js";

/** The state of a turn, from the turn itself or from one of its events. */
interface TurnState {
  id: string;
  session_id: string;
  status: TurnStatus;
  result?: TurnResult | undefined;
  usage?: Usage | undefined;
  error?:
    | { code: string; message: string; details?: Record<string, unknown> | undefined }
    | undefined;
}

/** The outcome of a completed turn. */
export interface CompletedTurn {
  session_id: string;
  result: TurnResult;
  usage: Usage | undefined;
}

/** @throws EdgeError when the turn failed, or waits for an answer: no dialect can give one. */
function assertCompleted({
  id,
  session_id,
  status,
  result,
  usage,
  error,
}: TurnState): CompletedTurn {
  if (status === "completed" && result) return { session_id, result, usage };
  const code = isErrorCode(error?.code) ? error.code : "turn_failed";
  const message = error?.message ?? "The turn waits for an answer.";
  throw new EdgeError(code, message, { ...error?.details, session_id, turn_id: id });
}

/** The outcome, if this event ends the turn; undefined otherwise. @throws EdgeError the turn's failure. */
export function completedBy(event: EdgeEvent): CompletedTurn | undefined {
  if (event.kind !== "turn") return undefined;
  const isOver = isFinal(event.status) || event.status === "waiting";
  return isOver ? assertCompleted({ ...event, id: event.turn_id }) : undefined;
}

/** Waits for a turn's end. @throws EdgeError the turn's failure. */
export async function waitUntilCompleted(
  stub: Account,
  { turn }: AcceptedTurn,
): Promise<CompletedTurn> {
  return assertCompleted(await stub.waitForTurn(turn.session_id, turn.id));
}

/**
 * Rejects sessions that ask for permissions: clients of a dialect cannot answer, so a turn could wait for days.
 * @throws EdgeError `invalid_request`.
 */
export function assertNeedsNoAnswers({ id, options }: SessionResource): void {
  if (!options.canUseTool) return;
  const message = `Session ${id} asks for permissions, and this API has no way to give them.`;
  throw new EdgeError("invalid_request", message, { session_id: id });
}
