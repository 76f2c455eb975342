import { DurableObject } from "cloudflare:workers";

import {
  EdgeError,
  isFinal,
  toWireError,
  wireError,
  type CreateSessionRequest,
  type EdgeEvent,
  type QueryRequest,
  type SessionList,
  type SessionResource,
  type TurnResource,
  type WireError,
} from "@claude-edge/protocol";
import type { LogFrame, StartTurn, TurnFrame } from "@claude-edge/protocol/runner";

import type { ContainerDO } from "../container-do.js";
import type { Env } from "../env.js";
import { containerName, maxConcurrentTurns } from "../settings.js";
import { readCursor, writeCursor } from "./cursor.js";
import { eventStream } from "./event-stream.js";
import { Follower } from "./follower.js";
import { LiveSession } from "./live-session.js";
import type { LogEvent } from "./log-event.js";
import { migrate } from "./schema.js";
import { Store, type TurnRow } from "./store.js";

/** Turns of one account that may wait at the same time. */
const MAX_QUEUED = 100;

/** While turns run, the object is woken at least this often, milliseconds. */
const ALARM_MS = 30_000;

/** A lost container's session goes on this far ahead: deltas it had numbered but not stored are not numbered again. */
const SEQ_JUMP = 1_000_000;

const TITLE_CHARS = 80;
const PAGE_SIZE = 50;

/** Makes a POST repeatable: its key, and a digest of what it asked for. */
export interface Idempotency {
  key: string;
  fingerprint: string;
}

/** A turn that was accepted, and the seq behind which its events are. */
export interface AcceptedTurn {
  turn: TurnResource;
  after: number;
}

/**
 * An account: its sessions, turns, events and queue, in SQLite. The only truth; whatever runs elsewhere is followed
 * and written down here. It reaches out to containers, and nothing reaches in from them.
 */
export class AccountDO extends DurableObject<Env> {
  readonly #store: Store;
  readonly #live = new Map<string, LiveSession>();
  readonly #followers = new Map<string, Follower>();
  /** Turns whose way to the runner is under way in this memory. */
  readonly #dispatching = new Set<string>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage);
    this.#store = new Store(ctx.storage);
    if (this.#store.openTurns().length > 0) ctx.waitUntil(this.#goOn());
  }

  // What the Worker calls.

  /** @throws EdgeError `session_exists`, `idempotency_conflict`. */
  createSession(account: string, request: CreateSessionRequest, once?: Idempotency): SessionResource {
    this.#setAccount(account);
    const used = this.#useOf(once);
    if (used) return this.getSession(used.session_id);
    return this.#store.transaction(() => {
      const id = this.#insertSession(account, request);
      this.#remember(once, id, null);
      return this.getSession(id);
    });
  }

  /** @throws EdgeError `session_not_found`. */
  getSession(id: string): SessionResource {
    const session = this.#store.session(id);
    if (!session) throw new EdgeError("session_not_found", `There is no session ${id}.`);
    return session;
  }

  /** @throws EdgeError `invalid_request` for a cursor that did not come from here. */
  listSessions(cursor: string | undefined, limit: number = PAGE_SIZE): SessionList {
    const sessions = this.#store.sessions(limit + 1, cursor ? readCursor(cursor) : undefined);
    if (sessions.length <= limit) return { sessions };
    const page = sessions.slice(0, limit);
    return { sessions: page, next_cursor: writeCursor(page.at(-1)!) };
  }

  /** One prompt in a session of its own. @throws EdgeError as {@link createSession} and {@link createTurn}. */
  query(account: string, request: QueryRequest, once?: Idempotency): AcceptedTurn {
    this.#setAccount(account);
    const used = this.#useOf(once);
    if (used?.turn_id) return { turn: this.getTurn(used.session_id, used.turn_id), after: 0 };
    const { prompt, session_id, title, options } = request;
    return this.#accept(prompt, once, () =>
      this.#insertSession(account, {
        ...(session_id === undefined ? {} : { id: session_id }),
        ...(title === undefined ? {} : { title }),
        ...(options === undefined ? {} : { options }),
      }),
    );
  }

  /** @throws EdgeError `session_not_found`, `queue_full`, `idempotency_conflict`. */
  createTurn(account: string, sessionId: string, prompt: string, once?: Idempotency): AcceptedTurn {
    this.#setAccount(account);
    const used = this.#useOf(once);
    if (used?.turn_id) {
      return { turn: this.getTurn(sessionId, used.turn_id), after: this.#store.firstSeq(sessionId, used.turn_id) - 1 };
    }
    this.getSession(sessionId);
    return this.#accept(prompt, once, () => sessionId);
  }

  /** @throws EdgeError `session_not_found`, `turn_not_found`. */
  getTurn(sessionId: string, id: string): TurnResource {
    this.getSession(sessionId);
    const turn = this.#store.turnResource(id);
    if (turn?.session_id !== sessionId) {
      throw new EdgeError("turn_not_found", `There is no turn ${id} in session ${sessionId}.`);
    }
    return turn;
  }

  /** Resolves with the turn when it has ended. @throws EdgeError as {@link getTurn}. */
  async waitForTurn(sessionId: string, id: string): Promise<TurnResource> {
    let turn = this.getTurn(sessionId, id);
    while (!isFinal(turn.status)) {
      await new Promise<void>((resolve) => {
        const unsubscribe = this.#session(sessionId).onAppend(() => {
          unsubscribe();
          resolve();
        });
      });
      // The row alone says whether it is over; the resource reads the result too.
      if (isFinal(this.#store.turn(id)!.status)) turn = this.getTurn(sessionId, id);
    }
    return turn;
  }

  /** A session's events as an SSE body; with a turn, up to that turn's end. @throws EdgeError as {@link getTurn}. */
  events(sessionId: string, after: number, turn?: string): ReadableStream<Uint8Array> {
    if (turn === undefined) this.getSession(sessionId);
    else this.getTurn(sessionId, turn);
    const session = this.#session(sessionId);
    const end = () => (turn === undefined ? null : this.#store.turn(turn)!.end_seq) ?? Infinity;
    return eventStream(
      {
        read: (position) => this.#read(sessionId, position).filter(({ seq }) => seq <= end()),
        onAppend: (wake) => session.onAppend(wake),
        isOver: (position) => position >= end(),
      },
      after,
    );
  }

  /** A page of stored and recent events. @throws EdgeError `session_not_found`. */
  listEvents(sessionId: string, after: number): { events: EdgeEvent[]; last_seq: number } {
    const { last_seq } = this.getSession(sessionId);
    const events = this.#read(sessionId, after).map(
      ({ kind, data }) => ({ ...(JSON.parse(data) as object), kind }) as EdgeEvent,
    );
    return { events, last_seq: Math.max(last_seq, this.#live.get(sessionId)?.seq ?? 0) };
  }

  /** Stops a session's open turns, or the one named; gives their ids. @throws EdgeError `session_not_found`. */
  async interrupt(sessionId: string, turn?: string): Promise<string[]> {
    this.getSession(sessionId);
    const open = this.#store
      .openTurns()
      .filter((row) => row.session_id === sessionId && (turn === undefined || row.id === turn));
    await Promise.all(open.map((row) => this.#interruptTurn(row)));
    return open.map((row) => row.id);
  }

  /** Keeps turns going with nobody connected. */
  override async alarm(): Promise<void> {
    if (this.#store.openTurns().length === 0) return;
    await this.ctx.storage.setAlarm(Date.now() + ALARM_MS);
    await this.#goOn();
  }

  // Accepting.

  #setAccount(account: string): void {
    if (this.#store.accountName === undefined) this.#store.accountName = account;
  }

  #useOf(once: Idempotency | undefined) {
    const use = once && this.#store.keyUse(once.key);
    if (use && use.fingerprint !== once.fingerprint) {
      const message = "This Idempotency-Key was used for a different request.";
      throw new EdgeError("idempotency_conflict", message);
    }
    return use;
  }

  #remember(once: Idempotency | undefined, sessionId: string, turnId: string | null): void {
    if (!once) return;
    const use = { fingerprint: once.fingerprint, session_id: sessionId, turn_id: turnId };
    this.#store.rememberKey(once.key, use, Date.now());
  }

  #insertSession(account: string, { id = crypto.randomUUID(), title, options = {} }: CreateSessionRequest): string {
    if (this.#store.session(id)) throw new EdgeError("session_exists", `Session ${id} exists already.`);
    const container = containerName(this.env, account, id);
    this.#store.insertSession({ id, title, options, container }, Date.now());
    return id;
  }

  /** Writes a turn down with its first event, in one transaction, and sets it going. */
  #accept(prompt: string, once: Idempotency | undefined, session: () => string): AcceptedTurn {
    if (this.#store.openTurns().filter(({ status }) => status === "queued").length >= MAX_QUEUED) {
      throw new EdgeError("queue_full", `${MAX_QUEUED} turns of this account are waiting already.`);
    }
    const id = crypto.randomUUID();
    const [sessionId, after] = this.#store.transaction(() => {
      const sessionId = session();
      if (this.getSession(sessionId).title === null) this.#store.setTitle(sessionId, titleOf(prompt));
      this.#store.insertTurn(id, sessionId, prompt, Date.now());
      this.#remember(once, sessionId, id);
      const after = this.#session(sessionId).seq;
      this.#emitTurn(sessionId, id, { status: "queued" });
      return [sessionId, after] as const;
    });
    this.#pump();
    return { turn: this.getTurn(sessionId, id), after };
  }

  // The queue.

  /** Starts the turns whose turn it is: one at a time per session, a limited number per account, in order. */
  #pump(): void {
    const open = this.#store.openTurns();
    const busySessions = new Set<string>();
    let running = 0;
    for (const { status, session_id } of open) {
      if (status === "queued") continue;
      running += 1;
      busySessions.add(session_id);
    }
    const limit = maxConcurrentTurns(this.env);
    for (const turn of open) {
      if (turn.status !== "queued" || busySessions.has(turn.session_id)) continue;
      if (running >= limit) break;
      running += 1;
      busySessions.add(turn.session_id);
      this.#store.markRunning(turn.id, Date.now());
      this.#dispatch(turn);
    }
    if (open.length > 0) this.ctx.waitUntil(this.#armAlarm());
  }

  async #armAlarm(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + ALARM_MS);
    }
  }

  /** Takes up what was open when this object was last in memory. */
  async #goOn(): Promise<void> {
    for (const turn of this.#store.openTurns()) {
      if (turn.status === "queued") continue;
      const container = this.#store.containerOf(turn.session_id);
      if (turn.boot === null) this.#dispatch(turn);
      else this.#follow(container, turn.boot);
    }
    this.#pump();
  }

  #dispatch(turn: TurnRow): void {
    if (this.#dispatching.has(turn.id)) return;
    this.#dispatching.add(turn.id);
    const sent = this.#send(turn)
      .catch((error: unknown) => {
        const known = toWireError(error);
        const failure =
          known.code === "internal"
            ? wireError("container_unavailable", "The container could not be reached.")
            : known;
        this.#endTurn(turn.session_id, turn.id, { status: "failed", error: failure });
      })
      .finally(() => this.#dispatching.delete(turn.id));
    this.ctx.waitUntil(sent);
  }

  async #send(turn: TurnRow): Promise<void> {
    const name = this.#store.containerOf(turn.session_id);
    const container = this.#container(name);
    const { options } = this.getSession(turn.session_id);
    const start: StartTurn = { prompt: turn.prompt, options };
    const url = `http://runner/sessions/${turn.session_id}/turns/${turn.id}`;
    const put = () => container.fetch(url, { method: "PUT", body: JSON.stringify(start) });

    // A log that is being read vouches for its container: no need to ask first.
    let follower = this.#followers.get(name);
    let response = follower && !follower.stopped ? await put().catch(() => undefined) : undefined;
    if (!response?.ok) {
      const { boot } = await container.ensure(this.#store.accountName ?? "");
      follower = this.#follow(name, boot);
      if (this.#store.turn(turn.id)!.interrupted) return this.#endInterrupted(turn);
      response = await put();
    }
    if (!response.ok) {
      throw new EdgeError("container_unavailable", `The runner answered ${response.status}.`);
    }
    const { boot } = await response.json<{ boot: string }>();
    this.#follow(name, boot);
    if (isFinal(this.#store.turn(turn.id)!.status)) return;
    this.#store.setBoot(turn.id, boot);
    if (this.#store.turn(turn.id)!.interrupted) await this.#tellInterrupt(turn);
  }

  // Following.

  #follow(name: string, boot: string): Follower {
    const current = this.#followers.get(name);
    if (current && !current.stopped && current.boot === boot) {
      current.touch();
      return current;
    }
    current?.stop();
    const known = this.#store.container(name);
    if (known && known.boot !== boot) this.#loseTurns(name, known.boot);
    if (known?.boot !== boot) this.#store.setCursor(name, boot, 0);
    const cursor = known?.boot === boot ? known.cursor : 0;
    const follower = new Follower(this.#container(name), boot, cursor, {
      apply: (frames) => {
        try {
          this.#apply(name, boot, frames);
        } catch (error) {
          // Memory is ahead of storage now: start over from storage, which is whole.
          this.ctx.abort(`could not apply the log of ${name}: ${String(error)}`);
        }
      },
      stored: () => this.#store.container(name)?.cursor ?? 0,
      lost: () => this.#loseTurns(name, boot),
      busy: () => this.#openTurnsOf(name).length > 0,
    });
    this.#followers.set(name, follower);
    this.ctx.waitUntil(follower.run());
    return follower;
  }

  /**
   * Applies a batch of the runner's log. Pieces of messages only pass through memory; as soon as something that lasts
   * is among them, all of it and the cursor go into one transaction. So no token waits for a commit, and after a
   * restart the same pieces are read again and get the same numbers.
   */
  #apply(name: string, boot: string, frames: LogFrame[]): void {
    const lasts = frames.some((frame) => frame.kind !== "message" || frame.message.type !== "stream_event");
    const ended: string[] = [];
    const work = () => {
      for (const frame of frames) {
        if (frame.kind === "turn") {
          if (this.#applyTurn(frame)) ended.push(frame.turn);
        } else {
          const kind = frame.message.type === "stream_event" ? "delta" : "message";
          this.#emit(frame.session, frame.turn, kind, { message: frame.message });
        }
      }
      if (lasts) this.#store.setCursor(name, boot, frames.at(-1)!.cursor);
    };
    if (lasts) this.#store.transaction(work);
    else work();
    if (ended.length > 0) this.#afterEnd(name);
  }

  /** True when the frame ended its turn. */
  #applyTurn({ session, turn, status, result, error, usage }: TurnFrame): boolean {
    const row = this.#store.turn(turn);
    if (!row || isFinal(row.status)) return false;
    if (status === "running") {
      this.#emitTurn(session, turn, { status });
      return false;
    }
    this.#writeEnd(session, turn, {
      status,
      ...(result ? { result } : {}),
      ...(error ? { error } : {}),
      ...(usage ? { usage } : {}),
    });
    return true;
  }

  /** The runner that ran them is gone: its open turns are over, and nothing is given their deltas' numbers again. */
  #loseTurns(name: string, boot: string): void {
    for (const turn of this.#openTurnsOf(name)) {
      if (turn.boot !== boot) continue;
      this.#session(turn.session_id).seq += SEQ_JUMP;
      const error = wireError("container_lost", "The container was lost while the turn ran.");
      this.#endTurn(turn.session_id, turn.id, { status: "failed", error });
    }
  }

  #openTurnsOf(container: string): TurnRow[] {
    return this.#store
      .openTurns()
      .filter((turn) => this.#store.containerOf(turn.session_id) === container);
  }

  // Ending.

  #endTurn(session: string, turn: string, end: TurnEnd): void {
    if (isFinal(this.#store.turn(turn)!.status)) return;
    this.#store.transaction(() => this.#writeEnd(session, turn, end));
    this.#afterEnd(this.#store.containerOf(session));
  }

  #writeEnd(session: string, turn: string, end: TurnEnd): void {
    const seq = this.#emitTurn(session, turn, end);
    this.#store.endTurn(turn, end.status, seq, Date.now());
  }

  #afterEnd(container: string): void {
    this.#pump();
    this.#followers.get(container)?.touch();
    this.#sweep();
  }

  async #interruptTurn(turn: TurnRow): Promise<void> {
    if (turn.status === "queued") return this.#endInterrupted(turn);
    this.#store.markInterrupted(turn.id);
    // On its way to the runner: whoever brings it there tells of the interrupt too.
    if (!this.#dispatching.has(turn.id)) await this.#tellInterrupt(turn);
  }

  #endInterrupted(turn: TurnRow): void {
    const error = wireError("interrupted", "The turn was interrupted before it began.");
    this.#endTurn(turn.session_id, turn.id, { status: "interrupted", error });
  }

  async #tellInterrupt(turn: TurnRow): Promise<void> {
    const container = this.#container(this.#store.containerOf(turn.session_id));
    const url = `http://runner/sessions/${turn.session_id}/turns/${turn.id}/interrupt`;
    // A runner that cannot be reached is found to be lost by whoever follows it, and the turn ends that way.
    await container.fetch(url, { method: "POST" }).catch(() => {});
  }

  // Events.

  #session(id: string): LiveSession {
    let session = this.#live.get(id);
    if (!session) {
      session = new LiveSession(this.#store.session(id)?.last_seq ?? 0);
      this.#live.set(id, session);
    }
    return session;
  }

  #emit(sessionId: string, turn: string, kind: LogEvent["kind"], rest: object): number {
    const session = this.#session(sessionId);
    const seq = ++session.seq;
    const data = JSON.stringify({ seq, turn_id: turn, ...rest });
    const event: LogEvent = { seq, turn, kind, data };
    const now = Date.now();
    if (kind !== "delta") {
      this.#store.insertEvent(sessionId, event);
      this.#store.setSeq(sessionId, seq, now);
    }
    session.append([event], now);
    return seq;
  }

  #emitTurn(session: string, turn: string, rest: TurnEnd | { status: "queued" | "running" }): number {
    return this.#emit(session, turn, "turn", { session_id: session, ...rest });
  }

  /** Stored events up to where memory begins, then those in memory. */
  #read(sessionId: string, after: number): LogEvent[] {
    const session = this.#session(sessionId);
    const stored = after + 1 < session.start ? this.#store.events(sessionId, after, session.start - 1) : [];
    return stored.length > 0 ? stored : session.since(after);
  }

  /** Frees the memory of sessions that nobody reads and that have nothing running. */
  #sweep(): void {
    const open = new Set(this.#store.openTurns().map((turn) => turn.session_id));
    const now = Date.now();
    for (const [id, session] of this.#live) {
      if (!open.has(id) && session.isStale(now)) this.#live.delete(id);
    }
  }

  #container(name: string): ContainerStub {
    return this.env.CONTAINER.getByName(name) as unknown as ContainerStub;
  }
}

/** The ContainerDO as it is called: the runtime's own stub type cannot express `unknown` in results. */
type ContainerStub = Pick<ContainerDO, "ensure" | "state"> & {
  fetch(url: string, init?: RequestInit): Promise<Response>;
};

type TurnEnd = {
  status: "completed" | "failed" | "interrupted";
  error?: WireError;
} & Pick<TurnResource, "result" | "usage">;

function titleOf(prompt: string): string {
  const line = prompt.trim().split("\n", 1)[0]!;
  return line.length > TITLE_CHARS ? `${line.slice(0, TITLE_CHARS - 1)}…` : line;
}
