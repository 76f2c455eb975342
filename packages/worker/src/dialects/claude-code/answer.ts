import { EdgeError, type EdgeEvent, type SdkMessage, type WireError } from "@claude-edge/protocol";

import { toLoggedError } from "../../errors.js";
import { completedBy } from "../turn.js";

/**
 * A turn's messages, with the result last. The result is held back until the turn has completed: a failed turn may also
 * have a result that the Agent SDK marks as success. @throws EdgeError the turn's failure.
 */
export async function* messagesOf(events: AsyncIterable<EdgeEvent>): AsyncGenerator<SdkMessage> {
  let result: SdkMessage | undefined;
  for await (const event of events) {
    if (event.kind === "message") {
      if (event.message.type === "result") result = event.message;
      else yield event.message;
    }
    if (!completedBy(event)) continue;
    if (!result) throw new EdgeError("internal", "The turn has completed without a result.");
    yield result;
  }
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

export async function* linesOf(
  events: AsyncIterable<EdgeEvent>,
  requestId: string,
): AsyncGenerator<string> {
  try {
    for await (const message of messagesOf(events)) yield line(message);
  } catch (thrown) {
    yield line(errorBody(toLoggedError(thrown, requestId), requestId));
  }
}

/**
 * A turn as one JSON answer: result, cost, the session's folder in the container, and with `verbose` all messages.
 * @throws EdgeError the turn's failure.
 */
export async function answerOf(
  events: AsyncIterable<EdgeEvent>,
  verbose: boolean,
): Promise<Record<string, unknown>> {
  const messages: SdkMessage[] = [];
  let last: SdkMessage | undefined;
  let folder: unknown;
  for await (const message of messagesOf(events)) {
    if (verbose) messages.push(message);
    if (message.type === "system" && message.subtype === "init") folder = message.cwd;
    last = message;
  }
  if (last?.type !== "result") throw new EdgeError("internal", "The turn's events broke off.");
  return {
    ...last,
    cost_usd: last.total_cost_usd,
    sessionPath: folder,
    ...(verbose ? { messages } : {}),
  };
}

/** `error` is a category there; the code is one. */
export const errorBody = (error: WireError, requestId: string): object => ({
  type: "error",
  error: error.code,
  ...error,
  request_id: requestId,
});
