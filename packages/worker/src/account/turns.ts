import { EdgeError, isErrorCode, isFinal, toWireError, wireError } from "@claude-edge/protocol";
import type { StartTurn, TurnStarted } from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import { maxConcurrentTurns, sleepAfterMs } from "../settings.js";
import { ContainerLogs } from "./container-logs.js";
import { describeTools, reportTools } from "./lost-turn.js";
import {
  callRunner,
  containerStub,
  type ContainerStub,
  type RunnerAnswer,
} from "./runner-client.js";
import type { SessionLogs, TurnEnd } from "./session-logs.js";
import type { Store, TurnRow } from "./store.js";

/** While turns are open, the object is woken at least this often, milliseconds. */
const ALARM_MS = 30_000;

/** A turn whose container is lost again and again is not begun more often than this. */
const MAX_RESUMED = 3;

/** A turn is handed over this often at the most, when the answer does not come. */
const MAX_PUTS = 3;

/** How a runner says no. */
interface RunnerRefusal {
  error: string;
  message: string;
}

/** A container without room is asked again for this long, milliseconds. */
const ROOM_PATIENCE_MS = 120_000;

/** Brings an account's turns to their containers, one at a time per session, and sees them to their end. */
export class Turns {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #containerLogs: ContainerLogs;
  /** Turns whose way to the runner is under way in this memory. */
  readonly #dispatching = new Set<string>();

  constructor(ctx: DurableObjectState, env: Env, store: Store, logs: SessionLogs) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = store;
    this.#logs = logs;
    this.#containerLogs = new ContainerLogs(ctx, store, logs, {
      container: (name) => this.#container(name),
      onEnded: (name) => this.#afterEnd(name),
      onLost: (turns) => this.#onLost(turns),
    });
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
    this.#ctx.waitUntil(this.#armAlarm());
  }

  /** Takes up what is open: after a restart of this object, and now and then while it is. */
  goOn(): void {
    for (const turn of this.#store.openTurns()) {
      if (turn.status === "queued") continue;
      if (turn.boot === null) this.#dispatch(turn);
      else this.#containerLogs.follow(this.#store.containerOf(turn.session_id), turn.boot);
      // Said again until the turn has ended: the first time may not have arrived.
      if (turn.interrupted && turn.boot !== null) this.#ctx.waitUntil(this.#tellInterrupt(turn));
    }
    this.pump();
  }

  // The alarm: keeps turns going with nobody connected, and puts containers without work to sleep.

  async onAlarm(): Promise<void> {
    this.goOn();
    for (const { name } of this.#store.containers.all()) {
      // Read anew each time: ending one takes seconds, in which another may have had work.
      const container = this.#store.containers.get(name);
      const unusedMs = Date.now() - (container?.used_at ?? Infinity);
      if (!container || unusedMs < sleepAfterMs(this.#env)) continue;
      if (this.#store.openTurnsOf(name).length > 0) continue;
      this.#containerLogs.stop(name);
      this.#store.containers.delete(name);
      await this.#container(name).sleep(container.boot);
    }
    await this.#armAlarm();
  }

  /** With nothing open and no container awake, there is no alarm. */
  async #armAlarm(): Promise<void> {
    const times = this.#store.containers
      .all()
      .map(({ used_at }) => used_at + sleepAfterMs(this.#env));
    if (this.#store.openTurns().length > 0) times.push(Date.now() + ALARM_MS);
    if (times.length === 0) return;
    const next = Math.max(Math.min(...times), Date.now() + 100);
    const armed = await this.#ctx.storage.getAlarm();
    if (armed === null || armed > next) await this.#ctx.storage.setAlarm(next);
  }

  // To the container.

  #dispatch(turn: TurnRow): void {
    if (this.#dispatching.has(turn.id)) return;
    this.#dispatching.add(turn.id);
    const sent = this.#send(turn.id)
      .catch((thrown: unknown) => {
        const known = toWireError(thrown);
        if (known.code === "internal") console.error(`turn ${turn.id} could not be sent`, thrown);
        const error =
          known.code === "internal"
            ? wireError("container_unavailable", "The container could not be reached.")
            : known;
        this.#end(turn.id, { status: "failed", error });
      })
      .finally(() => this.#dispatching.delete(turn.id));
    this.#ctx.waitUntil(sent);
  }

  /** `refusedSince`: when a runner without room first refused it. */
  async #send(id: string, refusedSince?: number): Promise<void> {
    const { session_id } = this.#store.turn(id)!;
    const name = this.#store.containerOf(session_id);

    // A log that is being read vouches for its container: no need to ask first.
    const isFollowing = this.#containerLogs.isFollowing(name);
    let answer = isFollowing ? await this.#put(id).catch(() => undefined) : undefined;
    for (let doubted = isFollowing, tries = 0; !answer; doubted = true, tries += 1) {
      const { boot } = await this.#container(name).ensure(this.#store.accountName ?? "", doubted);
      this.#containerLogs.follow(name, boot);
      const row = this.#store.turn(id);
      if (!row || isFinal(row.status)) return;
      if (row.interrupted) return this.#endInterrupted(id);
      // The runner may have taken it, and only the answer been lost: the same again is the same turn.
      answer = await this.#put(id).catch((error: unknown) => {
        if (tries >= MAX_PUTS) throw error;
        return undefined;
      });
    }
    if (answer.status === 503) {
      const since = refusedSince ?? Date.now();
      const isPatient = Date.now() - since < ROOM_PATIENCE_MS;
      if (isPatient) return this.#comeBack(id, answer.retryAfterS, since);
    }
    if (!answer.ok) {
      const { error = "", message = "" } = answer.body;
      throw isErrorCode(error)
        ? new EdgeError(error, message)
        : new EdgeError("container_unavailable", `The runner answered ${answer.status} ${error}`);
    }
    const { boot } = answer.body as TurnStarted;
    this.#containerLogs.follow(name, boot);
    const row = this.#store.turn(id);
    if (!row || isFinal(row.status)) return;
    this.#store.setBoot(id, boot);
    this.#store.setTranscriptBoot(session_id, boot);
    if (row.interrupted) await this.#tellInterrupt(row);
  }

  /** Hands the runner a turn, and before it the session's transcript if it has not seen it. */
  async #put(id: string): Promise<RunnerAnswer<Partial<TurnStarted & RunnerRefusal>>> {
    const { session_id, resumed } = this.#store.turn(id)!;
    const name = this.#store.containerOf(session_id);
    const container = this.#container(name);
    const path = `/sessions/${session_id}`;
    const boot = this.#store.containers.get(name)?.boot ?? null;
    const { transcripts } = this.#store;
    if (this.#store.transcriptBoot(session_id) !== boot && transcripts.has(session_id)) {
      const body = transcripts.stream(session_id);
      const { ok, status } = await callRunner(container, "PUT", `${path}/transcript`, body);
      if (!ok) throw new Error(`the runner answered ${status} to a transcript`);
      this.#store.setTranscriptBoot(session_id, boot);
    }
    const { options } = this.#store.session(session_id)!;
    const prompt = this.#store.promptOf(id);
    const start: StartTurn = { prompt, options, ...(resumed > 0 ? { resume: true } : {}) };
    return callRunner(container, "PUT", `${path}/turns/${id}`, start);
  }

  /** The runner has no room: the turn goes back to its place in the queue for a while. */
  async #comeBack(id: string, seconds: number, refusedSince: number): Promise<void> {
    await scheduler.wait(seconds * 1000);
    const row = this.#store.turn(id);
    if (!row || isFinal(row.status)) return;
    if (row.interrupted) return this.#endInterrupted(id);
    await this.#send(id, refusedSince);
  }

  // Ending.

  #end(id: string, end: TurnEnd): void {
    const row = this.#store.turn(id);
    if (!row || isFinal(row.status)) return;
    this.#store.transaction(() => {
      const seq = this.#logs.emitOwn(row.session_id, id, end);
      this.#store.endTurn(id, end.status, seq, Date.now());
    });
    this.#afterEnd(this.#store.containerOf(row.session_id));
  }

  #afterEnd(container: string): void {
    this.pump();
    this.#containerLogs.touch(container);
    this.#logs.sweep();
  }

  /** Turns whose container is gone: they are begun again where their session wants that, and are over otherwise. */
  #onLost(turns: TurnRow[]): void {
    for (const { id, session_id, first_seq, resumed, interrupted } of turns) {
      const wants = this.#store.session(session_id)?.on_container_lost === "resume";
      if (wants && resumed < MAX_RESUMED && !interrupted) {
        this.#store.markResumed(id);
        this.#dispatch(this.#store.turn(id)!);
        continue;
      }
      const tools = reportTools(this.#store.events.messagesOf(session_id, id, first_seq ?? 0));
      const message = `The container was lost while the turn ran. ${describeTools(tools)}`;
      this.#end(id, { status: "failed", error: wireError("container_lost", message, { tools }) });
    }
  }

  /** Stops an open turn, wherever it is. */
  async interrupt(turn: TurnRow): Promise<void> {
    if (turn.status === "queued") return this.#endInterrupted(turn.id);
    this.#store.markInterrupted(turn.id);
    // On its way to the runner: whoever brings it there tells of the interrupt too.
    if (!this.#dispatching.has(turn.id)) await this.#tellInterrupt(turn);
  }

  /** A session is deleted: its process goes too, if its container is there. */
  async forget(session: string, container: string): Promise<void> {
    if (this.#store.containers.get(container) === undefined) return;
    await callRunner(this.#container(container), "DELETE", `/sessions/${session}`).catch(() => {});
    this.#containerLogs.touch(container);
  }

  #endInterrupted(id: string): void {
    const error = wireError("interrupted", "The turn was interrupted before it began.");
    this.#end(id, { status: "interrupted", error });
  }

  async #tellInterrupt({ session_id, id }: TurnRow): Promise<void> {
    const container = this.#container(this.#store.containerOf(session_id));
    const path = `/sessions/${session_id}/turns/${id}/interrupt`;
    // A runner that cannot be reached is found to be lost by whoever follows it, and the turn ends that way.
    await callRunner(container, "POST", path).catch(() => {});
  }

  #container(name: string): ContainerStub {
    return containerStub(this.#env, name);
  }
}
