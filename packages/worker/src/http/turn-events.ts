import { EdgeError, isTerminal, type EdgeEvent } from "@claude-edge/protocol";
import { parseEvent } from "@claude-edge/protocol/wire";
import { EventSourceParserStream } from "eventsource-parser/stream";

import type { AcceptedTurn } from "../account/account-do.js";
import type { AccountStub } from "./account-stub.js";
import { readerOf, type Call } from "./call.js";

/** A deployment resets Durable Objects: reading goes on within this time, milliseconds, or not at all. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 250;

/**
 * A turn's events up to its end, for a dialect whose clients cannot take up a stream again: it is done here. Leaving
 * the loop detaches, as {@link cancel} does while it waits; the turn goes on.
 */
export class TurnEvents implements AsyncIterable<EdgeEvent> {
  readonly #c: Call;
  readonly #stub: AccountStub;
  readonly #accepted: AcceptedTurn;
  #reader: { cancel(): Promise<void> } | undefined;
  /** When the stream that is read began. */
  #openedAt = Infinity;
  #cancelled = false;

  constructor(c: Call, stub: AccountStub, accepted: AcceptedTurn) {
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
        // What the account refuses, it would refuse again.
        if (this.#cancelled || error instanceof EdgeError || "code" in (error as object))
          throw error;
        failure = error;
      }
      if (this.#cancelled) return;
      const { expiresAt = Infinity } = this.#c.get("caller").token ?? {};
      if (Date.now() >= expiresAt) throw new EdgeError("unauthorized", "The token has expired.");
      // One that held for so long was well, however silent the turn.
      if (Date.now() - this.#openedAt > PATIENCE_MS) brokenSince = undefined;
      brokenSince ??= Date.now();
      if (Date.now() - brokenSince > PATIENCE_MS) {
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
