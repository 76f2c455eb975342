import type {
  EdgeEvent,
  OnPermission,
  PermissionAnswer,
  PermissionRequest,
  RequestResource,
  SessionCallbacks,
} from "@claude-edge/client";

import type { Context } from "../context.js";
import { oneLine } from "../terminal/printable.js";
import { verdictOf } from "./answers.js";
import { ask } from "./ask.js";
import { askedOf, isForPeople, subjectOf } from "./asked.js";

const MAX_NOTE_CHARS = 100;

/** What becomes of a turn's requests: they are asked in the terminal one after the other, or it is said that they wait. */
export class Approvals {
  readonly #context: Context;
  readonly #asks: boolean;
  readonly #ask: typeof ask;
  readonly #over = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  /** Those that were on the screen, and whether they were answered there. */
  readonly #shown = new Map<string, boolean>();

  /** `how`: with what it is asked. */
  constructor(context: Context, { asks, how = ask }: { asks: boolean; how?: typeof ask }) {
    this.#context = context;
    this.#asks = asks;
    this.#ask = how;
  }

  /** For the session whose turn it is. */
  get callbacks(): SessionCallbacks {
    return this.#asks ? { onPermission: this.#onPermission } : {};
  }

  /** Takes the turn's events, to say what is not asked here and what is no longer asked. */
  onEvent(event: EdgeEvent): void {
    if (event.kind === "request" && isForPeople(event.request) && !this.#asks) {
      this.#context.stderr.write(waitingNote(event.request));
    }
    if (event.kind !== "request.resolved" || this.#context.signal.aborted) return;
    const { id, status, answer, answered_by } = event.request;
    const isOwn = this.#shown.get(id) && answered_by === undefined;
    if (!this.#shown.has(id) || isOwn) return;
    const by = answered_by === undefined ? "" : ` by ${oneLine(answered_by)}`;
    const how = status === "answered" ? verdictOf(answer) : status;
    this.#context.stderr.write(`note: no longer asked: ${how}${by}\n`);
  }

  /** The turn is over or left: what is still on the screen is withdrawn. */
  close(): void {
    this.#over.abort();
  }

  readonly #onPermission: OnPermission = (request) => {
    const answer = this.#last.then(() => this.#put(request));
    this.#last = answer.catch(() => {});
    return answer;
  };

  async #put(request: PermissionRequest): Promise<PermissionAnswer | undefined> {
    const { signal: stop } = this.#context;
    const signal = AbortSignal.any([request.signal, this.#over.signal, stop]);
    if (signal.aborted) return undefined;
    this.#shown.set(request.id, false);
    const answer = await this.#ask(request, this.#context, signal);
    if (answer) this.#shown.set(request.id, true);
    else if (!signal.aborted) this.#context.interrupt();
    return answer;
  }
}

function waitingNote(request: RequestResource): string {
  const asked = askedOf(request);
  const isQuestion = asked.kind === "question";
  const what = isQuestion ? "an answer:" : `an approval: ${oneLine(asked.toolName)}`;
  const how = isQuestion ? "--answer <text>" : "--allow";
  return [
    `waiting for ${what} ${oneLine(subjectOf(asked), MAX_NOTE_CHARS)}`,
    `  give it: claude-edge requests answer ${request.id} ${how}`,
    "",
  ].join("\n");
}
