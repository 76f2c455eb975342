import type { MessageTaken, MessageWithdrawn, TurnFrame } from "@claude-edge/protocol/runner";

import { callRunner, type ContainerStub } from "../container/runner-client.js";
import type { SessionLog } from "../log/session-log.js";
import { Deliveries } from "./deliveries.js";
import type { Store } from "./store.js";
import type { TurnEnd } from "./turn-end.js";

/**
 * Prompts for the turn that runs. Each is a queued turn of its own. The runner gets it as well, and says so if the running
 * turn takes it in: then it ends with that turn. If that turn ends first, it runs as any queued turn.
 */
export class Steering {
  readonly #store: Store;
  readonly #log: SessionLog;
  readonly #container: () => ContainerStub;
  readonly #deliveries: Deliveries;

  constructor(
    ctx: DurableObjectState,
    store: Store,
    log: SessionLog,
    container: () => ContainerStub,
  ) {
    this.#deliveries = new Deliveries(ctx);
    this.#store = store;
    this.#log = log;
    this.#container = container;
  }

  /** Gives the prompts that wait to the runner of the running turn. Safe to repeat. */
  deliver(): void {
    const running = this.#store.runningTurn();
    if (!running || running.boot === null || running.interrupted) return;
    for (const id of this.#store.steering.waiting()) this.#deliver(running.id, id);
  }

  #deliver(turn: string, id: string): void {
    const path = `/sessions/${this.#store.id}/turns/${turn}/messages/${id}`;
    this.#deliveries.begin(`${turn} ${id}`, async () => {
      // Both may have ended meanwhile.
      const isWanted = this.#store.isOpen(turn) && this.#store.turn(id)?.status === "queued";
      if (!isWanted) return true;
      const { prompt, fields } = this.#store.inputOf(id);
      const message = { prompt, ...(fields ? { fields } : {}) };
      const call = callRunner<MessageTaken>(this.#container(), "PUT", path, message);
      // If not taken, the turn has ended in the runner, or is about to: the prompt is the next turn's.
      return (await call.catch(() => undefined))?.ok ?? false;
    });
  }

  /** Takes a prompt back from the running turn. False when it may be taken in all the same. */
  async withdraw(id: string): Promise<boolean> {
    const running = this.#store.runningTurn();
    const isGiven = running?.boot && this.#store.steering.waiting().includes(id);
    if (!isGiven) return true;
    const path = `/sessions/${this.#store.id}/turns/${running.id}/messages/${id}`;
    const call = callRunner<MessageWithdrawn>(this.#container(), "DELETE", path);
    const answer = await call.catch(() => undefined);
    return answer?.ok === true && answer.body.withdrawn;
  }

  // In the transaction of what caused it.

  /** A turn has taken in the prompt of another. */
  onTakenIn({ turn: id }: TurnFrame, by: string): void {
    if (this.#store.turn(id)?.status === "queued") this.#takeIn(id, by, "emitDerived");
  }

  /** A turn has ended, and with it those whose prompts it has taken in. Their usage is part of its own. */
  endWith(
    turn: string,
    { usage: _shared, ...end }: TurnEnd,
    emit: "emitOwn" | "emitDerived",
  ): void {
    for (const id of this.#store.steering.takenInBy(turn)) {
      const event = { session_id: this.#store.id, ...end, steered_turn_id: turn };
      const seq = this.#log[emit](id, "turn", event);
      this.#store.endTurn(id, end, seq, Date.now());
    }
  }

  /**
   * The process of a turn is gone: its transcript tells which prompts it has taken in. One that it has not waits for the
   * process that goes on with the turn.
   */
  reconcile(turn: string): void {
    const { steering } = this.#store;
    const [taken, waiting] = [steering.takenInBy(turn), steering.waiting()];
    if (taken.length + waiting.length === 0) return;
    const stored = takenInOf(this.#store.transcripts.entries());
    this.#store.transaction(() => {
      for (const id of waiting) if (stored.has(id)) this.#takeIn(id, turn, "emitOwn");
      for (const id of taken) {
        if (stored.has(id)) continue;
        steering.setWaiting(id);
        this.#log.emitOwn(id, "turn", { session_id: this.#store.id, status: "queued" });
      }
    });
  }

  #takeIn(id: string, by: string, emit: "emitOwn" | "emitDerived"): void {
    this.#store.steering.setTakenIn(id, by, Date.now());
    const event = { session_id: this.#store.id, status: "running", steered_turn_id: by };
    this.#log[emit](id, "turn", event);
  }
}

/** The ids of messages that a transcript shows as taken in by a turn that ran, as Claude Code 2.1.328 writes them. */
function takenInOf(transcript: ReturnType<Store["transcripts"]["entries"]>): Set<string> {
  const ids = new Set<string>();
  for (const { type, attachment } of transcript) {
    if (type !== "attachment") continue;
    const { type: kind, source_uuid: id } = (attachment ?? {}) as Record<string, unknown>;
    if (kind === "queued_command" && typeof id === "string") ids.add(id);
  }
  return ids;
}
