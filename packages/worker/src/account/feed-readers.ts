import { EdgeError, FEED_WINDOW, type FeedEntry } from "@claude-edge/protocol";

import { eventStream } from "../log/event-stream.js";
import type { FeedFilter, FeedTable } from "./feed-table.js";

/** Readers of an account's feed at the same time: streams, which are in memory, and WebSockets, which may hibernate. */
const MAX_STREAMS = 200;
const MAX_SOCKETS = 1_000;

/** Batches that a WebSocket is sent at once. */
const MAX_BATCHES = 20;

const ENTRIES_A_MARK = 100;

/** Why a WebSocket is closed: its token holds no more (of the codes that are an application's own), or its words are none. */
const CLOSE_BARRED = 4_401;
const CLOSE_ERASED = 4_404;
const CLOSE_UNREADABLE = 1_003;

/** Where the Worker says who the reader is that a WebSocket is for, as JSON. */
export const READER_HEADER = "x-claude-edge-reader";

const PROTOCOL = "sec-websocket-protocol";

/** Who reads the feed, and from where. */
export interface FeedReader extends FeedFilter {
  /** The last entry that it has; undefined for one that begins now. */
  after?: number | undefined;
  token?: { id: string; expiresAt?: number | undefined } | undefined;
}

/** What a hibernating WebSocket keeps: at most 16 kB. */
interface Attachment extends FeedReader {
  /** How far it was sent the feed. */
  after: number;
  /** Every so many entries that were sent and not confirmed the seq of one, and how many were sent after the last. */
  marks: number[];
  sinceMark: number;
}

/** The account's object as far as readers depend on it. */
type ReadersHost = Pick<
  DurableObjectState,
  "acceptWebSocket" | "getWebSockets" | "setWebSocketAutoResponse"
> & { isRevoked(token: string): boolean };

/** The readers of the account's feed. Streams pull from it; WebSockets are sent what is new, and let the object sleep. */
export class FeedReaders {
  readonly #table: FeedTable;
  readonly #host: ReadersHost;
  readonly #wakes = new Set<() => void>();
  #streams = 0;
  #isWaking = false;
  /** Counts erasures: what is read of before ends. */
  #life = 0;

  constructor(table: FeedTable, host: ReadersHost) {
    this.#table = table;
    this.#host = host;
  }

  /** There is something to read, or somebody who may read no more, once the transaction that is open has ended. */
  wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    queueMicrotask(() => {
      this.#isWaking = false;
      for (const wake of this.#wakes) wake();
      for (const socket of this.#host.getWebSockets()) this.#send(socket);
    });
  }

  /** Some entries after a cursor, and the cursor to ask for more with. */
  page(reader: FeedReader): { entries: FeedEntry[]; seq: number } {
    const { reset, position: after } = this.#begin(reader.after);
    if (reset) return { entries: [reset], seq: after };
    const { entries, position } = this.#table.read(after, reader);
    return { entries, seq: position };
  }

  /** The feed as server-sent events. @throws EdgeError `too_many_readers`. */
  stream(reader: FeedReader): ReadableStream<Uint8Array> {
    if (this.#streams >= MAX_STREAMS) throw tooMany(MAX_STREAMS);
    this.#streams += 1;
    const life = this.#life;
    const isClosed = () => this.#life !== life || this.#isBarred(reader);
    const { reset, position: start } = this.#begin(reader.after);
    let first = reset;
    return eventStream(
      {
        read: (after: number) => {
          if (isClosed()) return { events: [], position: after };
          if (first) {
            const event = toEvent(first);
            first = undefined;
            return { events: [event], position: after };
          }
          const { entries, position } = this.#table.read(after, reader);
          return { events: entries.map(toEvent), position };
        },
        part: () => undefined,
        onAppend: (wake) => {
          this.#wakes.add(wake);
          return () => this.#wakes.delete(wake);
        },
        isOver: isClosed,
        onEnd: () => void (this.#streams -= 1),
      },
      start,
    );
  }

  /** Takes a WebSocket. `protocol`: the subprotocol that its reader goes by. @throws EdgeError `too_many_readers`. */
  accept(reader: FeedReader, protocol: string | null): Response {
    if (this.#host.getWebSockets().length >= MAX_SOCKETS) throw tooMany(MAX_SOCKETS);
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const { reset, position } = this.#begin(reader.after);
    this.#host.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#host.acceptWebSocket(ours);
    ours.serializeAttachment({ ...reader, after: position, marks: [], sinceMark: 0 });
    if (reset) ours.send(JSON.stringify(reset));
    this.#send(ours);
    const headers = protocol === null ? {} : { [PROTOCOL]: protocol };
    return new Response(null, { status: 101, webSocket: theirs, headers });
  }

  /** A reader confirms up to which entry it has the feed. */
  confirm(socket: WebSocket, message: string | ArrayBuffer): void {
    const seq = typeof message === "string" && /^\d{1,15}$/.test(message) ? Number(message) : NaN;
    const attachment = socket.deserializeAttachment() as Attachment;
    if (Number.isNaN(seq) || seq > attachment.after) {
      return close(socket, CLOSE_UNREADABLE, "Send the seq of an entry, or ping.");
    }
    const { after, marks, sinceMark } = attachment;
    socket.serializeAttachment({
      ...attachment,
      marks: marks.filter((mark) => mark > seq),
      sinceMark: seq === after ? 0 : sinceMark,
    });
    this.#send(socket);
  }

  /** A reader has closed its WebSocket. */
  close(socket: WebSocket): void {
    close(socket, 1_000, "");
  }

  /** The account was erased. */
  endAll(): void {
    this.#life += 1;
    for (const socket of this.#host.getWebSockets()) close(socket, CLOSE_ERASED, "Erased.");
    this.wake();
  }

  /** Where a reader begins, and what it is told first if that is not where it wanted to. */
  #begin(after: number | undefined): { position: number; reset?: FeedEntry } {
    const now = Date.now();
    if (after !== undefined && this.#table.isComplete(after, now)) return { position: after };
    const position = this.#table.position(now);
    return { position, reset: { seq: position, at: now, kind: "reset" } };
  }

  #isBarred({ token }: FeedReader): boolean {
    if (token === undefined) return false;
    return Date.now() >= (token.expiresAt ?? Infinity) || this.#host.isRevoked(token.id);
  }

  /** Sends what is new, up to a window ahead of what the reader has confirmed: the platform buffers without a bound. */
  #send(socket: WebSocket): void {
    const attachment = socket.deserializeAttachment() as Attachment;
    if (this.#isBarred(attachment)) return close(socket, CLOSE_BARRED, "The token holds no more.");
    let { after, sinceMark } = attachment;
    const marks = [...attachment.marks];
    const hasRoom = () => marks.length * ENTRIES_A_MARK + sinceMark < FEED_WINDOW;
    for (let batches = 0; batches < MAX_BATCHES && hasRoom(); batches += 1) {
      const { entries, position } = this.#table.read(after, attachment);
      if (position === after) break;
      try {
        for (const entry of entries) socket.send(JSON.stringify(entry));
      } catch {
        // It is closing, and its reader comes again with what it has.
        return;
      }
      after = position;
      sinceMark += entries.length;
      if (sinceMark < ENTRIES_A_MARK) continue;
      marks.push(entries.at(-1)!.seq);
      sinceMark = 0;
    }
    if (after === attachment.after) return;
    socket.serializeAttachment({ ...attachment, after, marks, sinceMark });
  }
}

const toEvent = (entry: FeedEntry) => ({
  seq: entry.seq,
  turn: entry.turn_id ?? "",
  kind: entry.kind,
  data: JSON.stringify(entry),
});

function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed already.
  }
}

const tooMany = (most: number) =>
  new EdgeError("too_many_readers", `${most} readers have the account's feed open.`);
