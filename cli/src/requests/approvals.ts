import type {
  EdgeEvent,
  NetworkAnswer,
  NetworkRequest,
  OnNetwork,
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
import { askedOf, isForPeople, networkAsked, subjectOf, type Asked } from "./asked.js";

const MAX_NOTE_CHARS = 100;

/** What becomes of a turn's requests: they are asked in the terminal one after the other, or it is said that they wait. */
export class Approvals {
  readonly #context: Context;
  readonly #asks: boolean;
  readonly #ask: typeof ask;
  readonly #target: string;
  readonly #over = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  /** Those that were on the screen, and whether they were answered there. */
  readonly #shown = new Map<string, boolean>();

  /** `how`: with what it is asked; `target`: flags for the command that answers from elsewhere. */
  constructor(
    context: Context,
    { asks, how = ask, target = "" }: { asks: boolean; how?: typeof ask; target?: string },
  ) {
    this.#context = context;
    this.#asks = asks;
    this.#ask = how;
    this.#target = target;
  }

  /** For the session whose turn it is. */
  get callbacks(): SessionCallbacks {
    if (!this.#asks) return {};
    return { onPermission: this.#onPermission, onNetwork: this.#onNetwork };
  }

  /** Takes the turn's events, to say what is not asked here and what is no longer asked. */
  onEvent(event: EdgeEvent): void {
    if (event.kind === "request" && isForPeople(event.request) && !this.#asks) {
      this.#context.stderr.write(waitingNote(event.request, this.#target));
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

  readonly #onPermission: OnPermission = (request) =>
    this.#inTurn(request, request) as Promise<PermissionAnswer | undefined>;

  readonly #onNetwork: OnNetwork = (request) =>
    this.#inTurn(request, networkAsked(request)) as Promise<NetworkAnswer | undefined>;

  /** Asks when what was asked before is answered. The answer is one to the kind of the request. */
  #inTurn(
    request: PermissionRequest | NetworkRequest,
    asked: Asked,
  ): Promise<PermissionAnswer | NetworkAnswer | undefined> {
    const answer = this.#last.then(() => this.#put(request, asked));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #put(
    request: PermissionRequest | NetworkRequest,
    asked: Asked,
  ): Promise<PermissionAnswer | NetworkAnswer | undefined> {
    const { signal: stop } = this.#context;
    const signal = AbortSignal.any([request.signal, this.#over.signal, stop]);
    if (signal.aborted) return undefined;
    this.#shown.set(request.id, false);
    const answer = await this.#ask(asked, this.#context, signal);
    if (answer) this.#shown.set(request.id, true);
    else if (!signal.aborted) this.#context.interrupt();
    return answer;
  }
}

function waitingNote(request: RequestResource, target: string): string {
  const asked = askedOf(request);
  const isQuestion = asked.kind === "question";
  const what = isQuestion ? "an answer:" : `an approval: ${oneLine(asked.toolName)}`;
  const how = isQuestion ? "--answer <text>" : "--allow";
  return [
    `waiting for ${what} ${oneLine(subjectOf(asked), MAX_NOTE_CHARS)}`,
    `  give it: claude-edge requests answer ${request.id} ${how}${target}`,
    "",
  ].join("\n");
}
