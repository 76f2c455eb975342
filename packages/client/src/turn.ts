import { isTerminal, type EdgeEvent, type TurnEvent, type Usage } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError, turnError } from "./errors.js";
import { checkOutput, type OutputSchema } from "./output.js";
import { TextReader } from "./text-reader.js";
import { advance, turnEvents, type Position, type TurnRequest } from "./turn-stream.js";
import type { Transport } from "./transport.js";

/** What a completed turn came to. */
export interface TurnOutcome<Output = unknown> {
  /** The session, to go on with: `sessions.open(sessionId)`. */
  sessionId: string;
  /** The turn itself. */
  turnId: string;
  /** The final answer's text. */
  text: string;
  /** The structured output, when the session has a schema for it; checked against that. */
  output: Output;
  /** The model that answered last. */
  model: string | undefined;
  /** Why the model stopped: `end_turn`, `max_tokens`, … */
  stopReason: string | null;
  /** Tokens and US dollars of this turn alone. */
  usage: Usage | undefined;
  /** Wall time in the container, milliseconds. */
  durationMs: number;
}

/**
 * One turn: awaitable for its outcome, iterable for its events, from one call. Lazy (nothing is sent before it is
 * awaited or read), read once, at the reader's pace. Leaving the loop detaches and lets the turn go on; `interrupt()`
 * stops it.
 */
export class Turn<Output = unknown>
  implements AsyncIterable<EdgeEvent>, PromiseLike<TurnOutcome<Output>>
{
  readonly #transport: Transport;
  readonly #request: TurnRequest;
  readonly #position: Position;
  readonly #output: OutputSchema | undefined;
  #taken = false;
  /** An interrupt was asked for before the turn was known to have begun. */
  #isUnwanted = false;
  #end: TurnEvent | undefined;
  #outcome: Promise<TurnOutcome<Output>> | undefined;

  /** @internal */
  constructor(
    transport: Transport,
    request: TurnRequest,
    { position, output }: { position?: Partial<Position>; output?: OutputSchema | undefined } = {},
  ) {
    this.#transport = transport;
    this.#request = request;
    this.#output = output;
    this.#position = { sessionId: undefined, turnId: undefined, lastSeq: 0, ...position };
  }

  /** Known from the first event on. */
  get id(): string | undefined {
    return this.#position.turnId;
  }

  /** Known from the first event on; at once for a turn of an existing session. */
  get sessionId(): string | undefined {
    return this.#position.sessionId;
  }

  /** The newest event read, as the session's log numbers it. */
  get lastSeq(): number {
    return this.#position.lastSeq;
  }

  /**
   * The turn's events, its terminal one last; a turn that fails ends with an event that says so.
   * @throws ClaudeEdgeError when it was read before, or the stream cannot be had.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<EdgeEvent> {
    if (this.#taken) {
      const message = "This turn has been read already: it can be awaited or iterated once.";
      throw new ClaudeEdgeError({ code: "invalid_request", message, retryable: false });
    }
    this.#taken = true;
    for await (const batch of turnEvents(this.#transport, this.#request, this.#position)) {
      for (const event of batch) {
        advance(this.#position, event);
        if (event.kind === "request" || event.kind === "request.resolved") {
          this.#request.callbacks?.onEvent(event);
        }
        if (this.#isUnwanted) {
          this.#isUnwanted = false;
          await this.interrupt();
        }
        if (!isTerminal(event)) {
          yield event;
          continue;
        }
        this.#end = event;
        return yield event;
      }
    }
  }

  /**
   * What the agent writes, piece by piece as it comes: all of it, what it says between tools too, with a blank line
   * between one text and the next. (`result()` has the final answer alone.)
   * @throws TurnError when the turn does not complete.
   */
  async *text(): AsyncGenerator<string> {
    const reader = new TextReader();
    for await (const event of this) {
      const text = reader.read(event);
      if (text) yield text;
    }
    await this.#read();
  }

  /**
   * The outcome: reads what is left of the turn.
   * @throws TurnError when the turn does not complete, `output_invalid` when its output does not fit the schema.
   */
  result(): Promise<TurnOutcome<Output>> {
    this.#outcome ??= this.#drain();
    return this.#outcome;
  }

  then<Value = TurnOutcome<Output>, Failure = never>(
    onValue?: ((outcome: TurnOutcome<Output>) => Value | PromiseLike<Value>) | null,
    onFailure?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Value | Failure> {
    return this.result().then(onValue, onFailure);
  }

  /**
   * Stops the turn in the container; its stream then ends with status `interrupted`. A turn that is being begun is
   * stopped as soon as it is known to have begun.
   */
  async interrupt(): Promise<void> {
    const { sessionId, turnId } = this.#position;
    if (sessionId && turnId) return this.#sendInterrupt(sessionId, turnId);
    if (!this.#taken) {
      const message = "The turn has not begun: await it or read it first.";
      throw new ClaudeEdgeError({ code: "invalid_request", message, retryable: false });
    }
    this.#isUnwanted = true;
  }

  async #sendInterrupt(session: string, turn: string): Promise<void> {
    await this.#transport.json(`/v1/sessions/${encodeURIComponent(session)}/interrupt`, {
      method: "POST",
      body: { turn_id: turn },
      idempotencyKey: crypto.randomUUID(),
    });
  }

  async #drain(): Promise<TurnOutcome<Output>> {
    if (!this.#end) {
      for await (const _event of this) {
        // Reading is what brings it to its end.
      }
    }
    return this.#read();
  }

  async #read(): Promise<TurnOutcome<Output>> {
    const { session_id, turn_id, status, result, usage } = this.#end!;
    if (status !== "completed" || !result) throw turnError(this.#end!);
    return {
      sessionId: session_id,
      turnId: turn_id,
      text: result.text,
      output: (await checkOutput(this.#output, result.output, result.text)) as Output,
      model: result.model,
      stopReason: result.stop_reason,
      usage,
      durationMs: result.duration_ms,
    };
  }
}
