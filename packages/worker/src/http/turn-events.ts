import { EdgeError, isTerminal, type EdgeEvent } from "@claude-edge/protocol";
import { parseEvent } from "@claude-edge/protocol/wire";
import { EventSourceParserStream } from "eventsource-parser/stream";

import type { AcceptedTurn } from "../session/calls.js";
import type { Account } from "./account.js";
import { noteTurn, readerOf } from "./call.js";
import type { Call } from "./contract.js";
import { RECONNECT_MS, RETRY_MS } from "../through-resets.js";

/**
 * A turn's events up to its end, with reconnects, for dialects whose clients cannot resume a stream. Breaking the loop or
 * calling {@link cancel} only detaches: the turn continues.
 */
export class TurnEvents implements AsyncIterable<EdgeEvent> {
  readonly #c: Call;
  readonly #stub: Account;
  readonly #accepted: AcceptedTurn;
  #reader: { cancel(): Promise<void> } | undefined;
  /** When the current stream was opened. */
  #openedAt = Infinity;
  #cancelled = false;

  constructor(c: Call, stub: Account, accepted: AcceptedTurn) {
    noteTurn(c, accepted.turn);
    this.#c = c;
    this.#stub = stub;
    this.#accepted = accepted;
  }

  cancel(): void {
    this.#cancelled = true;
    void this.#reader?.cancel().catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EdgeEvent> {
    let { after } = this.#accepted;
    let brokenSince: number | undefined;
    for (;;) {
      let failure: unknown;
      this.#openedAt = Infinity;
      try {
        for await (const event of this.#read(after)) {
          after = event.seq;
          brokenSince = undefined;
          yield event;
          if (isTerminal(event)) return;
        }
      } catch (error) {
        // The account's refusals are final.
        if (this.#cancelled || error instanceof EdgeError || "code" in (error as object))
          throw error;
        failure = error;
      }
      if (this.#cancelled) return;
      const { expiresAt = Infinity } = this.#c.get("caller").token ?? {};
      if (Date.now() >= expiresAt) throw new EdgeError("unauthorized", "The token has expired.");
      // A stream that lived this long was healthy, even if the turn was silent.
      if (Date.now() - this.#openedAt > RECONNECT_MS) brokenSince = undefined;
      brokenSince ??= Date.now();
      if (Date.now() - brokenSince > RECONNECT_MS) {
        throw failure ?? new EdgeError("internal", "The turn's events broke off.");
      }
      await scheduler.wait(RETRY_MS);
    }
  }

  async *#read(after: number): AsyncGenerator<EdgeEvent> {
    const { id, session_id } = this.#accepted.turn;
    const body = await this.#stub.events(session_id, after, { turn: id, ...readerOf(this.#c) });
    this.#openedAt = Date.now();
    const reader = body
      .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
      .pipeThrough(new EventSourceParserStream())
      .getReader();
    this.#reader = reader;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const event = parseEvent(value.event ?? "message", value.data);
        if (event) yield event;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
}
