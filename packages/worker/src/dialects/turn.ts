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

import type { AcceptedTurn } from "../account/account-do.js";
import type { AccountStub } from "../http/account-stub.js";

/** How a turn stands, read off itself or off one of its events. */
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

/** What a turn came to. */
export interface CompletedTurn {
  session_id: string;
  result: TurnResult;
  usage: Usage | undefined;
}

/** @throws EdgeError why it has not completed. One that waits does so for an answer that no dialect can give. */
function completed({ id, session_id, status, result, usage, error }: TurnState): CompletedTurn {
  if (status === "completed" && result) return { session_id, result, usage };
  const code = isErrorCode(error?.code) ? error.code : "turn_failed";
  const message = error?.message ?? "The turn waits for an answer.";
  throw new EdgeError(code, message, { ...error?.details, session_id, turn_id: id });
}

/** What a turn has come to with this event; undefined while it goes on. @throws EdgeError what it failed with. */
export function completedBy(event: EdgeEvent): CompletedTurn | undefined {
  if (event.kind !== "turn") return undefined;
  const isOver = isFinal(event.status) || event.status === "waiting";
  return isOver ? completed({ ...event, id: event.turn_id }) : undefined;
}

/** Waits for a turn's end. @throws EdgeError what it failed with. */
export async function untilCompleted(
  stub: AccountStub,
  { turn }: AcceptedTurn,
): Promise<CompletedTurn> {
  return completed(await stub.waitForTurn(turn.session_id, turn.id));
}

/**
 * Whoever speaks a dialect cannot answer a permission prompt: in a session that asks, its turn could wait for days.
 * @throws EdgeError `invalid_request`.
 */
export function assertAsksNobody({ id, options }: SessionResource): void {
  if (!options.canUseTool) return;
  const message = `Session ${id} asks for permissions, and this API has no way to give them.`;
  throw new EdgeError("invalid_request", message, { session_id: id });
}
