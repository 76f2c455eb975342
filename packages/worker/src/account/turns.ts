import {
  EdgeError,
  isFinal,
  toWireError,
  wireError,
  type SessionOptions,
} from "@claude-edge/protocol";
import type { LogFrame, StartTurn, TurnFrame } from "@claude-edge/protocol/runner";

import type { ContainerDO } from "../container-do.js";
import type { Env } from "../env.js";
import { maxConcurrentTurns } from "../settings.js";
import { Follower } from "./follower.js";
import type { SessionLogs, TurnEnd } from "./session-logs.js";
import type { Store, TurnRow } from "./store.js";

/** While turns run, the object is woken at least this often, milliseconds. */
const ALARM_MS = 30_000;

/** The ContainerDO as it is called: the runtime's own stub type cannot express `unknown` in results. */
type ContainerStub = Pick<ContainerDO, "ensure" | "state"> & {
  fetch(url: string, init?: RequestInit): Promise<Response>;
};

/** Brings an account's turns to their containers, one at a time per session, and what comes of them back. */
export class Turns {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #followers = new Map<string, Follower>();
  /** Turns whose way to the runner is under way in this memory. */
  readonly #dispatching = new Set<string>();

  constructor(ctx: DurableObjectState, env: Env, store: Store, logs: SessionLogs) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = store;
    this.#logs = logs;
  }

  // The queue.

  /** Starts the turns whose turn it is: one at a time per session, a limited number per account, in order. */
  pump(): void {
    const open = this.#store.openTurns();
    const busySessions = new Set<string>();
    let running = 0;
    for (const { status, session_id } of open) {
      if (status === "queued") continue;
      running += 1;
      busySessions.add(session_id);
    }
    const limit = maxConcurrentTurns(this.#env);
    for (const turn of open) {
      if (turn.status !== "queued" || busySessions.has(turn.session_id)) continue;
      if (running >= limit) break;
      running += 1;
      busySessions.add(turn.session_id);
      this.#store.markRunning(turn.id, Date.now());
      this.#dispatch(turn);
    }
    if (open.length > 0) this.#ctx.waitUntil(this.#armAlarm());
  }

  /** Takes up what is open: after a restart of this object, and now and then while it is. */
  goOn(): void {
    for (const turn of this.#store.openTurns()) {
      if (turn.status === "queued") continue;
      if (turn.boot === null) this.#dispatch(turn);
      else this.#follow(this.#store.containerOf(turn.session_id), turn.boot);
    }
    this.pump();
  }

  /** Keeps turns going with nobody connected. */
  async onAlarm(): Promise<void> {
    if (this.#store.openTurns().length === 0) return;
    await this.#ctx.storage.setAlarm(Date.now() + ALARM_MS);
    this.goOn();
  }

  async #armAlarm(): Promise<void> {
    if ((await this.#ctx.storage.getAlarm()) === null) {
      await this.#ctx.storage.setAlarm(Date.now() + ALARM_MS);
    }
  }

  // To the container.

  #dispatch(turn: TurnRow): void {
    if (this.#dispatching.has(turn.id)) return;
    this.#dispatching.add(turn.id);
    const sent = this.#send(turn)
      .catch((thrown: unknown) => {
        const known = toWireError(thrown);
        const error =
          known.code === "internal"
            ? wireError("container_unavailable", "The container could not be reached.")
            : known;
        this.#end(turn.session_id, turn.id, { status: "failed", error });
      })
      .finally(() => this.#dispatching.delete(turn.id));
    this.#ctx.waitUntil(sent);
  }

  async #send(turn: TurnRow): Promise<void> {
    const name = this.#store.containerOf(turn.session_id);
    const container = this.#container(name);
    const options: SessionOptions = this.#store.session(turn.session_id)!.options;
    const start: StartTurn = { prompt: turn.prompt, options };
    const put = () =>
      container.fetch(turnUrl(turn), { method: "PUT", body: JSON.stringify(start) });

    // A log that is being read vouches for its container: no need to ask first.
    const follower = this.#followers.get(name);
    let response = follower && !follower.stopped ? await put().catch(() => undefined) : undefined;
    if (!response?.ok) {
      const { boot } = await container.ensure(this.#store.accountName ?? "");
      this.#follow(name, boot);
      if (this.#row(turn).interrupted) return this.#endInterrupted(turn);
      response = await put();
    }
    if (!response.ok) {
      throw new EdgeError("container_unavailable", `The runner answered ${response.status}.`);
    }
    const { boot } = await response.json<{ boot: string }>();
    this.#follow(name, boot);
    const row = this.#row(turn);
    if (isFinal(row.status)) return;
    this.#store.setBoot(turn.id, boot);
    if (row.interrupted) await this.#tellInterrupt(turn);
  }

  // From the container.

  #follow(name: string, boot: string): void {
    const current = this.#followers.get(name);
    if (current && !current.stopped && current.boot === boot) return current.touch();
    current?.stop();
    const known = this.#store.container(name);
    if (known && known.boot !== boot) this.#lose(name, known.boot);
    if (known?.boot !== boot) this.#store.setCursor(name, boot, 0);
    const cursor = known?.boot === boot ? known.cursor : 0;
    const follower = new Follower(this.#container(name), boot, cursor, {
      apply: (frames) => this.#applyOrAbort(name, boot, frames),
      stored: () => this.#store.container(name)?.cursor ?? 0,
      lost: () => this.#lose(name, boot),
      busy: () => this.#openTurnsOf(name).length > 0,
    });
    this.#followers.set(name, follower);
    this.#ctx.waitUntil(follower.run());
  }

  #applyOrAbort(name: string, boot: string, frames: LogFrame[]): void {
    try {
      this.#apply(name, boot, frames);
    } catch (error) {
      // Memory is ahead of storage now: start over from storage, which is whole.
      this.#ctx.abort(`could not apply the log of ${name}: ${String(error)}`);
    }
  }

  /**
   * Applies a batch of the runner's log. Pieces of messages only pass through memory; as soon as something that lasts
   * is among them, all of it and the cursor go into one transaction. So no token waits for a commit, and after a
   * restart the same pieces are read again and get the same numbers.
   */
  #apply(name: string, boot: string, frames: LogFrame[]): void {
    let ended = false;
    const work = () => {
      for (const frame of frames) {
        if (frame.kind === "turn") {
          ended = this.#applyTurn(frame) || ended;
        } else {
          const kind = isDelta(frame) ? "delta" : "message";
          this.#logs.emit(frame.session, frame.turn, kind, { message: frame.message });
        }
      }
    };
    if (frames.every(isDelta)) return work();
    this.#store.transaction(() => {
      work();
      this.#store.setCursor(name, boot, frames.at(-1)!.cursor);
    });
    if (ended) this.#afterEnd(name);
  }

  /** True when the frame ended its turn. */
  #applyTurn({ session, turn, status, result, error, usage }: TurnFrame): boolean {
    const row = this.#store.turn(turn);
    if (!row || isFinal(row.status)) return false;
    if (status === "running") {
      this.#logs.emitTurn(session, turn, { status });
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

  /** The runner that ran them is gone: its open turns are over. */
  #lose(name: string, boot: string): void {
    for (const turn of this.#openTurnsOf(name)) {
      if (turn.boot !== boot) continue;
      this.#logs.jump(turn.session_id);
      const error = wireError("container_lost", "The container was lost while the turn ran.");
      this.#end(turn.session_id, turn.id, { status: "failed", error });
    }
  }

  // Ending.

  #end(session: string, turn: string, end: TurnEnd): void {
    if (isFinal(this.#store.turn(turn)!.status)) return;
    this.#store.transaction(() => this.#writeEnd(session, turn, end));
    this.#afterEnd(this.#store.containerOf(session));
  }

  #writeEnd(session: string, turn: string, end: TurnEnd): void {
    const seq = this.#logs.emitTurn(session, turn, end);
    this.#store.endTurn(turn, end.status, seq, Date.now());
  }

  #afterEnd(container: string): void {
    this.pump();
    this.#followers.get(container)?.touch();
    this.#logs.sweep();
  }

  /** Stops an open turn, wherever it is. */
  async interrupt(turn: TurnRow): Promise<void> {
    if (turn.status === "queued") return this.#endInterrupted(turn);
    this.#store.markInterrupted(turn.id);
    // On its way to the runner: whoever brings it there tells of the interrupt too.
    if (!this.#dispatching.has(turn.id)) await this.#tellInterrupt(turn);
  }

  #endInterrupted(turn: TurnRow): void {
    const error = wireError("interrupted", "The turn was interrupted before it began.");
    this.#end(turn.session_id, turn.id, { status: "interrupted", error });
  }

  async #tellInterrupt(turn: TurnRow): Promise<void> {
    const container = this.#container(this.#store.containerOf(turn.session_id));
    // A runner that cannot be reached is found to be lost by whoever follows it, and the turn ends that way.
    await container.fetch(`${turnUrl(turn)}/interrupt`, { method: "POST" }).catch(() => {});
  }

  #row(turn: TurnRow): TurnRow {
    return this.#store.turn(turn.id)!;
  }

  #openTurnsOf(container: string): TurnRow[] {
    return this.#store
      .openTurns()
      .filter((turn) => this.#store.containerOf(turn.session_id) === container);
  }

  #container(name: string): ContainerStub {
    return this.#env.CONTAINER.getByName(name) as unknown as ContainerStub;
  }
}

const isDelta = (frame: LogFrame) =>
  frame.kind === "message" && frame.message.type === "stream_event";

const turnUrl = ({ session_id, id }: TurnRow) => `http://runner/sessions/${session_id}/turns/${id}`;
