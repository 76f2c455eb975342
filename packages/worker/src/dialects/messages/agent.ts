import { toLoggedError, statusOf } from "../../errors.js";
import { streamAnswer } from "../../http/answers.js";
import { readBody } from "../../http/body.js";
import { Account } from "../../http/account.js";
import { json, nameOf, stubOf } from "../../http/call.js";
import type { Call } from "../../http/contract.js";
import { frameStream, sseFrame } from "../../http/frames.js";
import { TurnEvents } from "../../http/turn-events.js";
import { messagesErrorBody } from "../../egress/refusal.js";
import { logger } from "../../logger.js";
import { collect, messageEvents, type StreamEvent } from "./answer.js";
import { assertNoThread, messagesRequest } from "./request.js";
import { turnOf } from "./turn.js";

/** How long a turn may take to end after its message, milliseconds. */
const TURN_END_MS = 5_000;

/**
 * Makes a request of the Messages API with Claude Code in the account's container, for a credential that only Claude
 * Code may use. The ephemeral session is deleted after the answer.
 */
export async function askAgent(c: Call): Promise<Response> {
  const { value } = await readBody(c, messagesRequest);
  assertNoThread(value);
  const name = nameOf(c);
  const stub = stubOf(c, name);
  const message = turnOf(value);
  const accepted = await stub.createMessage(message);
  const turn = new TurnEvents(c, stub, accepted);
  const onDone = sessionRemover(c, name, message);
  const leave = () => {
    onDone("left");
    turn.cancel();
  };
  c.req.raw.signal.addEventListener("abort", leave);

  const events = notifyDone(messageEvents(turn), onDone);
  if (value.stream !== true) return withId(c, json(c, await collect(events)));
  // An error before the first event can still set the response status.
  const first = (await events.next()).value as StreamEvent;
  const frames = framesOf(first, events, c.get("requestId"));
  const ping = sseFrame({ type: "ping" }, "ping");
  return withId(c, streamAnswer(frameStream(frames, ping, leave), c.get("requestId")));
}

/** Adds the request id under the header that clients of the API read. */
function withId(c: Call, answer: Response): Response {
  answer.headers.set("request-id", c.get("requestId"));
  return answer;
}

type OnDone = (how: "ended" | "left") => void;

/**
 * Deletes the session once. After `ended`, it first waits for the turn's end, which follows its message; after `left`, it
 * deletes at once, which stops the turn.
 */
function sessionRemover(
  c: Call,
  name: string,
  { session, turn }: { session: string; turn: string },
): OnDone {
  // Not as the caller, whose token may have been revoked meanwhile.
  const account = new Account(c.env, name).asDeployment();
  let isOver = false;
  return (how) => {
    if (isOver) return;
    isOver = true;
    const ended = how === "ended" ? account.waitForTurn(session, turn) : undefined;
    const remove = Promise.race([ended, scheduler.wait(ended ? TURN_END_MS : 0)])
      .catch(() => {})
      .then(() => account.deleteSession(session))
      // A session that was not deleted deletes itself later.
      .catch((error: unknown) =>
        logger.warn("session not deleted", { account: name, session, turn, error }),
      );
    c.executionCtx.waitUntil(remove);
  };
}

async function* notifyDone(
  events: AsyncGenerator<StreamEvent>,
  onDone: OnDone,
): AsyncGenerator<StreamEvent> {
  try {
    yield* events;
    onDone("ended");
  } finally {
    onDone("left");
  }
}

/** Formats events as the API does. A failure becomes an `error` event without a `message_stop`. */
async function* framesOf(
  first: StreamEvent,
  rest: AsyncGenerator<StreamEvent>,
  requestId: string,
): AsyncGenerator<string> {
  try {
    yield sseFrame(first, first.type);
    for await (const event of rest) yield sseFrame(event, event.type);
  } catch (thrown) {
    const error = toLoggedError(thrown, requestId);
    yield sseFrame(messagesErrorBody(error, statusOf(error), requestId), "error");
  } finally {
    await rest.return(undefined);
  }
}
