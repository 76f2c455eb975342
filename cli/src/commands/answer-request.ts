import { userInfo } from "node:os";

import type { ClaudeEdge, RequestResource } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { answerOf, verdictOf, type AnswerFlags } from "../requests/answers.js";
import { ask } from "../requests/ask.js";
import { askedOf, isForPeople, subjectOf } from "../requests/asked.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { canAsk } from "../terminal/prompts.js";
import { findByShortId, isShortId } from "../terminal/short-id.js";

export interface AnswerRequestFlags extends AnswerFlags, TargetFlags {
  by?: string;
  json?: boolean;
}

const MAX_ABOUT = 100;

/** `claude-edge requests answer`. Gives the exit code. */
export async function answerRequest(
  id: string,
  flags: AnswerRequestFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const edge = connect(flags, context);
  const request = await find(edge, id, signal);
  if (!isForPeople(request)) {
    const message = `Request ${request.id} is for the program that runs the session's ${request.kind}.`;
    throw new EdgeError("usage", message);
  }
  const asked = askedOf(request);
  const answer = answerOf(flags, asked) ?? (await answerFromTerminal(request, context));
  if (!answer) return EXIT.interrupted;
  const by = flags.by ?? userName(context);
  const answered = await edge.requests.answer(request.id, answer, {
    ...(by === undefined ? {} : { by }),
    signal,
  });
  const about = `${oneLine(asked.toolName)} ${oneLine(subjectOf(asked), MAX_ABOUT)}`;
  stderr.write(`${verdictOf(answer)}: ${about}\n`);
  if (flags.json) await writeJson(stdout, answered);
  return EXIT.ok;
}

/** By its id, or the beginning of one that is pending. @throws EdgeError `request_not_found`, `usage`. */
async function find(
  edge: ClaudeEdge,
  given: string,
  signal: AbortSignal,
): Promise<RequestResource> {
  const id = given.toLowerCase();
  if (!isShortId(id)) return edge.requests.retrieve(id, { signal });
  const found = findByShortId(id, await edge.requests.list({ signal }), "requests");
  if (found) return found;
  throw new EdgeError("request_not_found", `There is no request ${id} that waits.`);
}

/** @throws EdgeError `usage` where nobody can be asked, `request_resolved` when there is nothing to ask any more. */
async function answerFromTerminal(request: RequestResource, context: Context) {
  if (!canAsk(context)) {
    const message =
      "There is no answer: --allow, --allow-for-session, --allow-for-account, --deny or --answer.";
    throw new EdgeError("usage", message);
  }
  const { id, status } = request;
  if (status !== "pending") throw new EdgeError("request_resolved", `Request ${id} was ${status}.`);
  return ask(askedOf(request), context, context.signal);
}

/** A container may run as a user without a name. */
function userName({ env }: Context): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return env.USER || undefined;
  }
}
