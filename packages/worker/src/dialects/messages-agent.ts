import type { AccountDO } from "../account/account-do.js";
import { readError, statusOf, streamAnswer } from "../http/answers.js";
import { readBody } from "../http/body.js";
import { json, nameOf, stubOf, type Call } from "../http/call.js";
import { frameStream, sseFrame } from "../http/frames.js";
import { TurnEvents } from "../http/turn-events.js";
import { messagesErrorBody } from "../model/refusal.js";
import { collect, messageEvents, type StreamEvent } from "./messages-answer.js";
import { assertNoThread, messagesRequest } from "./messages-request.js";
import { turnOf } from "./messages-turn.js";

/** What a turn may take to its end once its message is there, milliseconds. */
const LAST_WORDS_MS = 5_000;

/**
 * A request of the Messages API, asked by Claude Code in the account's container: for a credential that nothing else may
 * use. Its session goes with its answer; nobody could ever ask for that again.
 */
export async function askAgent(c: Call): Promise<Response> {
  const { value } = await readBody(c, messagesRequest);
  assertNoThread(value);
  const name = nameOf(c);
  const stub = stubOf(c, name);
  const message = turnOf(value);
  const accepted = await stub.createMessage(name, message);
  const turn = new TurnEvents(c, stub, accepted);
  const over = removal(c, name, message);
  const leave = () => {
    over("left");
    turn.cancel();
  };
  c.req.raw.signal.addEventListener("abort", leave);

  const events = untilOver(messageEvents(turn), over);
  if (value.stream !== true) return withId(c, json(c, await collect(events)));
  // An error before the first event still has a status of its own.
  const first = (await events.next()).value as StreamEvent;
  const frames = framesOf(first, events, c.get("requestId"));
  const ping = sseFrame({ type: "ping" }, "ping");
  return withId(c, streamAnswer(frameStream(frames, ping, leave), c.get("requestId")));
}

/** Under the name that the API's clients know it by. */
function withId(c: Call, answer: Response): Response {
  answer.headers.set("request-id", c.get("requestId"));
  return answer;
}

type Over = (how: "ended" | "left") => void;

/**
 * Sees to the session's deletion, once: when its turn has ended too, which is about to after its message, or at once,
 * which stops it.
 */
function removal(
  c: Call,
  name: string,
  { session, turn }: { session: string; turn: string },
): Over {
  // Not as the caller: their token may have been revoked meanwhile.
  const stub: unknown = c.env.ACCOUNT.getByName(name);
  const account = stub as Pick<AccountDO, "waitForTurn" | "deleteSession">;
  let isOver = false;
  return (how) => {
    if (isOver) return;
    isOver = true;
    const ended = how === "ended" ? account.waitForTurn(session, turn) : undefined;
    const remove = Promise.race([ended, scheduler.wait(ended ? LAST_WORDS_MS : 0)])
      .catch(() => {})
      .then(() => account.deleteSession(session))
      // The account sweeps what is left behind.
      .catch((error: unknown) => console.error(`session ${session} could not be deleted`, error));
    c.executionCtx.waitUntil(remove);
  };
}

async function* untilOver(
  events: AsyncGenerator<StreamEvent>,
  over: Over,
): AsyncGenerator<StreamEvent> {
  try {
    yield* events;
    over("ended");
  } finally {
    over("left");
  }
}

/** As the API sends them; what goes wrong on the way is an event too, and no `message_stop` comes. */
async function* framesOf(
  first: StreamEvent,
  rest: AsyncGenerator<StreamEvent>,
  requestId: string,
): AsyncGenerator<string> {
  try {
    yield sseFrame(first, first.type);
    for await (const event of rest) yield sseFrame(event, event.type);
  } catch (thrown) {
    const error = readError(thrown, requestId);
    yield sseFrame(messagesErrorBody(error, statusOf(error), requestId), "error");
  } finally {
    await rest.return(undefined);
  }
}
