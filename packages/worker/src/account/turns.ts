import {
  EdgeError,
  errorPolicy,
  isErrorCode,
  isFinal,
  toWireError,
  wireError,
  type ContainerStatus,
  type ControlMethod,
} from "@claude-edge/protocol";
import type {
  ControlCall,
  ControlResult,
  StartTurn,
  TurnStarted,
} from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import { holdMs, sleepAfterMs, wantsSnapshots } from "../settings.js";
import { landAttachments } from "../workspace/land-attachments.js";
import type { Files } from "../workspace/files.js";
import type { Allowance } from "./allowance.js";
import { ContainerLogs } from "./container-logs.js";
import { describeContainer, statusContainer } from "./container-status.js";
import { describeTools, reportTools } from "./lost-turn.js";
import { Requests } from "./requests.js";
import {
  callRunner,
  containerStub,
  type ContainerStub,
  type RunnerAnswer,
} from "./runner-client.js";
import type { SessionLogs, TurnEnd } from "./session-logs.js";
import type { Store, TurnRow } from "./store.js";
import { WaitingTurns } from "./waiting-turns.js";
import { REWOUND } from "./transcripts.js";
import { Workspaces } from "./workspaces.js";

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

const refusalOf = ({ error = "", message = "" }: Partial<RunnerRefusal>): EdgeError =>
  isErrorCode(error)
    ? new EdgeError(error, message)
    : new EdgeError("container_unavailable", `The runner refused: ${error}`);

/** A control call may have to start a process, or ask the model API: milliseconds. */
const CONTROL_MS = 60_000;

/** Garbage is collected this long after it came to be: sessions are often deleted together. Milliseconds. */
const GARBAGE_MS = 2_000;

/** A container without room is asked again for this long, milliseconds. */
const ROOM_PATIENCE_MS = 120_000;

/** A session whose turn is ending is asked again after this, seconds. */
const ENDING_S = 0.5;

/** Brings an account's turns to their containers, one at a time per session, and sees them to their end. */
export class Turns {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: Store;
  readonly #logs: SessionLogs;
  readonly #containerLogs: ContainerLogs;
  readonly requests: Requests;
  readonly #waiting: WaitingTurns;
  readonly #allowance: Allowance;
  readonly #files: Files;
  readonly workspaces: Workspaces;
  /** Turns whose way to the runner is under way in this memory. */
  readonly #dispatching = new Set<string>();

  constructor(
    ctx: DurableObjectState,
    env: Env,
    store: Store,
    logs: SessionLogs,
    allowance: Allowance,
    files: Files,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = store;
    this.#logs = logs;
    this.#allowance = allowance;
    this.#files = files;
    this.requests = new Requests(ctx, env, store, logs, {
      container: (name) => this.#container(name),
      onAnswered: (turn, request) => {
        this.#waiting.goOn(turn, request);
        this.pump();
      },
    });
    this.#waiting = new WaitingTurns(store, logs, this.requests, (turn, end) =>
      this.#end(turn, end),
    );
    this.#containerLogs = new ContainerLogs(ctx, store, logs, this.requests, files, {
      container: (name) => this.#container(name),
      onFreed: (name) => this.#afterFreed(name),
      onAsked: () => this.#ctx.waitUntil(this.#armAlarm()),
      onLost: (turns) => this.#onLost(turns),
    });
    this.workspaces = new Workspaces(ctx, env, store, files.stored, this.#containerLogs);
  }

  // The queue.

  /** Starts the turns whose turn it is: one at a time per session, a limited number per account, in order. */
  pump(): void {
    const open = this.#store.openTurns();
    const busySessions = new Set<string>();
    let running = 0;
    for (const { status, session_id } of open) {
      if (status === "queued") continue;
      busySessions.add(session_id);
      // One that waits for an answer may do so for days: it keeps its own session, and nobody else.
      if (status === "running") running += 1;
    }
    const { max_concurrent_turns: limit } = this.#allowance.limits;
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
      if (turn.status !== "running") continue;
      if (turn.boot === null) this.#dispatch(turn);
      else {
        this.#containerLogs.follow(this.#store.containerOf(turn.session_id), turn.boot);
        // What of its files had not arrived, its tools wait for.
        const files = this.workspaces.goOn(turn);
        this.#ctx.waitUntil(files.catch((thrown: unknown) => this.#onFilesFailed(turn.id, thrown)));
      }
      // Said again until the turn has ended: the first time may not have arrived.
      if (turn.interrupted && turn.boot !== null) this.#ctx.waitUntil(this.#tellInterrupt(turn));
    }
    this.requests.goOn();
    this.#waiting.goOnAnswered();
    this.pump();
  }

  // The alarm: keeps turns going with nobody connected, and puts containers without work to sleep.

  /** `deleteSession`: of what was left behind. */
  async onAlarm(deleteSession: (session: string) => Promise<void>): Promise<void> {
    this.goOn();
    for (const session of this.#store.messages.left(Date.now())) await deleteSession(session);
    for (const { name } of this.#store.containers.all()) {
      // Read anew each time: ending one takes seconds, in which another may have had work.
      const container = this.#store.containers.get(name);
      const unusedMs = Date.now() - (container?.used_at ?? Infinity);
      if (!container || unusedMs < sleepAfterMs(this.#env)) continue;
      if (this.#store.openTurnsOf(name).length > 0) continue;
      const isStored = await this.workspaces.store(name, container.boot);
      if (!isStored || this.#store.openTurnsOf(name).length > 0) continue;
      this.#containerLogs.stop(name);
      this.#files.stored.runners.drop(container.boot);
      this.#store.containers.delete(name);
      await this.#container(name).sleep(container.boot);
    }
    const garbage = this.#files.stored.garbageDue() ?? Infinity;
    if (garbage + GARBAGE_MS <= Date.now()) await this.#files.stored.collect(Date.now());
    await this.#armAlarm();
  }

  /** With nothing open and no container awake, there is no alarm. */
  async #armAlarm(): Promise<void> {
    // One with a turn that says nothing for long is not idle.
    const times = this.#store.containers
      .all()
      .filter(({ name }) => this.#store.openTurnsOf(name).length === 0)
      .map(({ used_at }) => used_at + sleepAfterMs(this.#env));
    const isBusy = this.#store.openTurns().some(({ status }) => status !== "waiting");
    if (isBusy) times.push(Date.now() + ALARM_MS);
    const expiry = this.requests.nextExpiry();
    if (expiry !== undefined) times.push(expiry);
    const garbage = this.#files.stored.garbageDue();
    if (garbage !== undefined) times.push(garbage + GARBAGE_MS);
    const left = this.#store.messages.nextLeft();
    if (left !== undefined) times.push(left);
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
    await this.#logs.untilWhole(session_id);
    landAttachments(this.#files, this.#store, session_id, id);

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
        const { code } = toWireError(error);
        if (tries >= MAX_PUTS || !errorPolicy(code).retryable) throw error;
        return undefined;
      });
    }
    // The turn before it may have been ended here, and be ending there.
    const isEnding = answer.body.error === "turn_running";
    if (answer.status === 503 || isEnding) {
      const since = refusedSince ?? Date.now();
      const isPatient = Date.now() - since < ROOM_PATIENCE_MS;
      if (isPatient) return this.#comeBack(id, isEnding ? ENDING_S : answer.retryAfterS, since);
    }
    if (!answer.ok) throw refusalOf(answer.body);
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
    const container = this.#container(this.#store.containerOf(session_id));
    await this.#bringTranscript(session_id);
    const { whole } = await this.workspaces.bring(session_id);
    const { options } = this.#store.session(session_id)!;
    const answered = this.#store.requests
      .openOf(id)
      .filter(({ status, tool_use_id }) => status !== "pending" && tool_use_id !== null);
    const answers = Object.fromEntries(
      answered.map((row) => [row.tool_use_id, this.#store.requests.answerOf(row)]),
    );
    const attachments = this.#store
      .attachmentsOf(id)
      .flatMap((attachment) => ("path" in attachment ? [attachment.path] : []));
    const start: StartTurn = {
      ...this.#store.inputOf(id),
      ...(attachments.length > 0 ? { attachments } : {}),
      options,
      hold_ms: holdMs(this.#env),
      ...(resumed > 0 ? { resume: true } : {}),
      ...this.#store.messages.startOf(session_id),
      ...(answered.length > 0 ? { answers } : {}),
    };
    const answer = await callRunner<Partial<TurnStarted & RunnerRefusal>>(
      container,
      "PUT",
      `/sessions/${session_id}/turns/${id}`,
      start,
    );
    if (!answer.ok) return answer;
    for (const row of answered) this.#store.requests.setDelivered(row.id);
    this.#ctx.waitUntil(whole.catch((thrown: unknown) => this.#onFilesFailed(id, thrown)));
    return answer;
  }

  /** A turn's tools wait for files that do not arrive: it fails. One whose runner was replaced ends by that. */
  async #onFilesFailed(id: string, thrown: unknown): Promise<void> {
    const row = this.#store.turn(id);
    const error = toWireError(thrown);
    if (!row || isFinal(row.status) || error.code === "container_lost") return;
    const message = "The session's files could not be brought into its container.";
    const told = error.code === "internal" ? wireError("workspace_unavailable", message) : error;
    this.#end(id, { status: "failed", error: told });
    await this.#tellInterrupt(row);
  }

  /** Hands the runner a session's transcript, if it has not seen it. */
  async #bringTranscript(session: string): Promise<void> {
    const name = this.#store.containerOf(session);
    const boot = this.#store.containers.get(name)?.boot ?? null;
    const { transcripts } = this.#store;
    const known = this.#store.transcriptBoot(session);
    // One that was rewound to its beginning is empty, and its process must not remember more.
    const isNew = !transcripts.has(session) && known !== REWOUND;
    if (known === boot || isNew) return;
    const path = `/sessions/${session}/transcript`;
    const body = transcripts.stream(session);
    const { ok, status } = await callRunner(this.#container(name), "PUT", path, body);
    if (!ok) throw new Error(`the runner answered ${status} to a transcript`);
    this.#store.setTranscriptBoot(session, boot);
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
      this.requests.cancelOf(id, { beside: false });
      const { session_id } = row;
      const seq = this.#logs.emitOwn(session_id, id, "turn", { session_id, ...end });
      this.#store.endTurn(id, session_id, end.status, seq, Date.now());
    });
    this.#afterFreed(this.#store.containerOf(row.session_id));
  }

  #afterFreed(container: string): void {
    // The answer may have been given while the process was being let go.
    this.#waiting.goOnAnswered();
    this.pump();
    this.#containerLogs.touch(container);
    this.#logs.sweep();
  }

  /** Turns whose container is gone: they are begun again where their session wants that, and are over otherwise. */
  #onLost(turns: TurnRow[]): void {
    for (const turn of turns) {
      this.#store.modelCalls.ended(turn.session_id);
      if (this.#waiting.take(turn)) continue;
      const { id, session_id, first_seq, resumed, interrupted } = turn;
      const wants = this.#store.session(session_id)?.on_container_lost === "resume";
      if (wants && resumed < MAX_RESUMED && !interrupted) {
        this.#store.transaction(() => {
          // What its process had asked, the next one asks anew.
          this.requests.cancelOf(id, { beside: false });
          this.#store.markResumed(id);
        });
        this.#dispatch(this.#store.turn(id)!);
        continue;
      }
      const tools = reportTools(this.#store.events.messagesOf(session_id, id, first_seq ?? 0));
      const message = `The container was lost while the turn ran. ${describeTools(tools)}`;
      this.#end(id, { status: "failed", error: wireError("container_lost", message, { tools }) });
    }
    for (const name of new Set(turns.map((turn) => this.#store.containerOf(turn.session_id)))) {
      this.#afterFreed(name);
    }
  }

  /** Stops an open turn, wherever it is. */
  async interrupt(turn: TurnRow): Promise<void> {
    if (turn.status !== "running") return this.#endInterrupted(turn.id);
    this.#store.markInterrupted(turn.id);
    // On its way to the runner: whoever brings it there tells of the interrupt too.
    if (!this.#dispatching.has(turn.id)) await this.#tellInterrupt(turn);
  }

  /** A session is deleted: its process goes too, if its container is there. */
  async forget(session: string, container: string): Promise<void> {
    if (wantsSnapshots(this.#env)) await this.#container(container).forgetSnapshot();
    if (this.#store.containers.get(container) === undefined) return;
    await callRunner(this.#container(container), "DELETE", `/sessions/${session}`).catch(() => {});
    this.#containerLogs.touch(container);
  }

  #endInterrupted(id: string): void {
    const error = wireError("interrupted", "The turn was interrupted while it waited.");
    this.#end(id, { status: "interrupted", error });
  }

  async #tellInterrupt({ session_id, id }: TurnRow): Promise<void> {
    const container = this.#container(this.#store.containerOf(session_id));
    const path = `/sessions/${session_id}/turns/${id}/interrupt`;
    // A runner that cannot be reached is found to be lost by whoever follows it, and the turn ends that way.
    await callRunner(container, "POST", path).catch(() => {});
  }

  /**
   * Calls a method of the Agent SDK's `Query` on a session's process, starting its container if there is none.
   * @throws EdgeError `container_unavailable`, `control_failed`, and what starting throws.
   */
  async control(session: string, method: ControlMethod, args: unknown[]): Promise<unknown> {
    const name = this.#store.containerOf(session);
    const { boot } = await this.#container(name).ensure(this.#store.accountName ?? "", false);
    this.#containerLogs.follow(name, boot);
    await this.#bringTranscript(session);
    await (
      await this.workspaces.bring(session)
    ).whole;
    const { options } = this.#store.session(session)!;
    const call: ControlCall = { method, args, options };
    const path = `/sessions/${session}/control`;
    try {
      const { ok, body } = await callRunner<ControlResult & RunnerRefusal>(
        this.#container(name),
        "POST",
        path,
        call,
        CONTROL_MS,
      );
      if (!ok) throw refusalOf(body);
      if (body.error !== undefined) throw new EdgeError("control_failed", body.error);
      return body.result ?? null;
    } catch (error) {
      if (toWireError(error).code !== "internal") throw error;
      const message = `The container did not answer to ${method}.`;
      throw new EdgeError("container_unavailable", message, undefined, error);
    } finally {
      // No turn will end that would let the container sleep.
      this.#containerLogs.touch(name);
      await this.#armAlarm();
    }
  }

  /** How the account's container is; `start`: after it was started, if need be. @throws what starting throws. */
  async containerStatus(account: string, start: boolean): Promise<ContainerStatus> {
    const name = statusContainer(this.#env, account, this.#store.containers.all());
    if (start) {
      const { boot } = await this.#container(name).ensure(account, true);
      this.#containerLogs.follow(name, boot);
      this.#containerLogs.touch(name);
      await this.#armAlarm();
    }
    return describeContainer(await this.#container(name).state());
  }

  #container(name: string): ContainerStub {
    return containerStub(this.#env, name);
  }
}
