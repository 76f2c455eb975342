import { isFinal, toWireError, wireError } from "@claude-edge/protocol";

import { callRunner } from "../container/runner-client.js";
import { Dispatcher } from "./dispatcher.js";
import { canBeginAgain, describeTools, isAnswered, reportTools } from "./lost-turn.js";
import { isRepeatable } from "./repeatable-tools.js";
import type { TurnRow } from "./row-types.js";
import type { TurnContext } from "./turn-context.js";
import type { TurnEnd } from "./turn-end.js";

/** How often a turn is started again after losing its container. */
const MAX_RESUMED = 3;

/** How often a runner is told to stop a turn, and the pause in between, milliseconds. */
const MAX_STOPS = 3;
const STOP_AGAIN_MS = 500;

/** The session's turns: begun when they have a slot, ended once, begun again or failed when their runner is lost. */
export class Turns {
  readonly #of: TurnContext;
  readonly #dispatcher: Dispatcher;

  constructor(context: TurnContext) {
    this.#of = context;
    this.#dispatcher = new Dispatcher(context, {
      end: (id, end) => this.end(id, end),
      endInterrupted: (id) => this.#endInterrupted(id),
      sendInterrupt: (id) => this.#sendInterrupt(id),
      onFilesFailed: (id, thrown) => this.#onFilesFailed(id, thrown),
    });
  }

  /** Resumes the turn that has a slot, after a restart of this object and on every alarm. */
  resume(): void {
    const { store, runnerLog, workspace, ctx } = this.#of;
    this.steer();
    const turn = store.runningTurn();
    const { followed, background } = store;
    if (!turn && background.isActive && followed) runnerLog.follow(followed.boot);
    if (!turn) return;
    if (turn.boot === null) return this.dispatch(turn.id);
    store.timings.open(turn.id);
    runnerLog.follow(turn.boot);
    // The turn's tools wait for files that have not arrived.
    const files = workspace.resume(turn.boot);
    ctx.waitUntil(files.catch((thrown: unknown) => this.#onFilesFailed(turn.id, thrown)));
    // Repeated until the turn has ended: an earlier call may have been lost.
    if (turn.interrupted) ctx.waitUntil(this.#sendInterrupt(turn.id));
  }

  /** Brings prompts that came while a turn runs to it, or stops it for one that is urgent. Safe to repeat. */
  steer(): void {
    const { store, log, steering, ctx } = this.#of;
    const current = store.standaloneTurns().find(({ status }) => status !== "queued");
    if (!current) return;
    if (!store.steering.hasUrgent(current.started_at ?? 0)) return steering.deliver();
    const stopped = log.whenReplayed().then(async () => {
      const row = store.isOpen(current.id) ? store.turn(current.id) : undefined;
      if (row && !row.interrupted) await this.interrupt(row);
    });
    ctx.waitUntil(stopped);
  }

  /** Starts a turn that got a slot, unless another runs yet. False when there is no such turn, or it is over. */
  grant(id: string): boolean {
    const { store } = this.#of;
    const turn = store.turn(id);
    if (!turn || isFinal(turn.status)) return false;
    // The account has yet to hear of it, and keeps its place until then.
    if (turn.status === "waiting" || turn.steered_turn !== null) return true;
    if (turn.status === "queued") {
      // The other's slot ran out while it runs. This one keeps its slot, and is claimed when the other has ended.
      if (!store.mayRun) return true;
      store.markRunning(id, Date.now());
    }
    if (turn.boot === null) this.dispatch(id);
    return true;
  }

  /** Sends a turn that has its slot to the runner. */
  dispatch(id: string): void {
    this.#dispatcher.dispatch(id);
  }

  /** Fails a turn whose files did not arrive. If its runner was replaced, the loss of the runner ends the turn instead. */
  async #onFilesFailed(id: string, thrown: unknown): Promise<void> {
    const error = toWireError(thrown);
    if (!this.#of.store.isOpen(id) || error.code === "container_lost") return;
    const message = "The session's files could not be brought into its container.";
    const told = error.code === "internal" ? wireError("workspace_unavailable", message) : error;
    this.end(id, { status: "failed", error: told });
    await this.#sendInterrupt(id);
  }

  // Ending.

  /** Ends a turn with an event that originates here. */
  end(id: string, end: TurnEnd): void {
    const { store, log, requests, steering } = this.#of;
    if (!store.isOpen(id)) return;
    store.transaction(() => {
      requests.cancelOf(id, { derived: false });
      const seq = log.emitOwn(id, "turn", { session_id: store.id, ...end });
      store.endTurn(id, end, seq, Date.now());
      steering.endWith(id, end, "emitOwn");
      store.publish();
    });
    this.#dispatcher.stopWaiting();
    this.onFreed();
  }

  /** Ends all open turns at once. Not while the log is replayed. */
  endAll(reason: string): void {
    const { store, log, requests } = this.#of;
    const end = { status: "interrupted", error: wireError("interrupted", reason) } as const;
    store.transaction(() => {
      for (const { id } of store.openTurns()) {
        requests.cancelOf(id, { derived: false });
        const seq = log.emitOwn(id, "turn", { session_id: store.id, ...end });
        store.endTurn(id, end, seq, Date.now());
      }
    });
    this.#dispatcher.stopWaiting();
  }

  /** A turn has ended or waits, so its slot is free. */
  onFreed(): void {
    const { waiting, runnerLog, log } = this.#of;
    // An answer may have arrived while the process was being released.
    waiting.resumeAnswered();
    runnerLog.touch();
    log.sweep();
    this.#of.onChanged();
  }

  /** A turn was failed because of what its runner reported: the runner is told to stop it. */
  onAbandoned(id: string): void {
    this.onFreed();
    this.#of.ctx.waitUntil(this.#stopInRunner(id));
  }

  /** Until it has stopped, the runner refuses the session's next turn, which is sent again for a while. */
  async #stopInRunner(id: string): Promise<void> {
    for (let tries = 0; tries < MAX_STOPS; tries += 1) {
      if (tries > 0) await scheduler.wait(STOP_AGAIN_MS);
      if (await this.#sendInterrupt(id)) return;
    }
  }

  /**
   * The runner with this boot is gone: begins its turn again or fails it, as the session has it. `sawEnd`: everything that
   * the runner did is known.
   */
  onLost(boot: string, sawEnd: boolean): void {
    const { store, waiting, requests, steering } = this.#of;
    const turn = store.runningTurn();
    if (turn?.boot !== boot) return;
    store.modelCalls.settleWithoutResult();
    steering.reconcile(turn.id);
    if (waiting.takeOver(turn)) return this.onFreed();
    const { id, first_seq, resumed, interrupted } = turn;
    if (resumed < MAX_RESUMED && !interrupted && this.#wantsResume(turn, sawEnd)) {
      store.transaction(() => {
        // The next process asks its own requests.
        requests.cancelOf(id, { derived: false });
        store.markResumed(id);
      });
      return this.dispatch(id);
    }
    const tools = reportTools(store.events.messagesOf(id, first_seq ?? 0));
    const message = `The container was lost while the turn ran. ${describeTools(tools)}`;
    this.end(id, { status: "failed", error: wireError("container_lost", message, { tools }) });
  }

  #wantsResume({ id, first_seq }: TurnRow, sawEnd: boolean): boolean {
    const { store } = this.#of;
    if (isAnswered(id, store.transcripts.entries())) return false;
    if (store.onContainerLost !== "auto") return store.onContainerLost === "resume";
    if (!sawEnd) return false;
    const more = store.repeatableTools(id);
    const messages = store.events.messagesOf(id, first_seq ?? 0);
    return canBeginAgain(messages, store.transcripts.entries(), (tool) => isRepeatable(tool, more));
  }

  /** Interrupts an open turn in any state. False for one whose prompt the running turn is about to take in. */
  async interrupt({ id, status: before }: TurnRow): Promise<boolean> {
    if (before === "queued" && !(await this.#of.steering.withdraw(id))) return false;
    // It may have begun meanwhile.
    const { status } = this.#of.store.turn(id) ?? {};
    if (status !== "running" || this.#dispatcher.isWaiting(id)) {
      this.#endInterrupted(id);
      return true;
    }
    this.#of.store.markInterrupted(id);
    // While it is being sent, the dispatcher checks the mark and interrupts it.
    if (!this.#dispatcher.isSending(id)) await this.#sendInterrupt(id);
    return true;
  }

  /** Interrupts what tasks in the background have caused, if they belong to this turn. With no open turn. */
  async interruptBackground(turn: string | undefined): Promise<void> {
    const { store } = this.#of;
    const newest = store.newestBegun();
    if (!newest || (turn !== undefined && turn !== newest) || !store.background.isActive) return;
    await this.#sendInterrupt(newest);
  }

  #endInterrupted(id: string): void {
    const error = wireError("interrupted", "The turn was interrupted while it waited.");
    this.end(id, { status: "interrupted", error });
  }

  /** Whether the runner has heard of it. If it cannot be reached, the follower of its log declares it lost. */
  async #sendInterrupt(id: string): Promise<boolean> {
    if (!this.#of.store.exists) return false;
    const path = `/sessions/${this.#of.store.id}/turns/${id}/interrupt`;
    const answer = await callRunner(this.#of.container(), "POST", path).catch(() => undefined);
    return answer?.ok ?? false;
  }
}
