import { EdgeError } from "@claude-edge/protocol";
import { noConversation } from "@claude-edge/protocol/internal";

import type { TurnAdmission, TurnAdmitted } from "../session/account-port.js";
import type { Allowance } from "./allowance.js";
import { blockerOf, waitingFor } from "./blocker.js";
import type { Directory } from "./directory.js";
import type { Feed } from "./feed.js";
import type { IdempotencyKeys } from "./idempotency-keys.js";
import type { Slots } from "./slots.js";
import type { UsageTable } from "./usage-table.js";

/** The parts of an account that turns are admitted with. */
interface Parts {
  directory: Directory;
  keys: IdempotencyKeys;
  slots: Slots;
  usage: UsageTable;
  feed: Feed;
  allowance(): Allowance;
  /** A turn is about to be stored. */
  touch(): void;
}

/** Admits turns of sessions to the account's queue, and gives slots to those that have their turn. */
export class TurnAdmissions {
  readonly #storage: DurableObjectStorage;
  readonly #parts: Parts;

  constructor(storage: DurableObjectStorage, parts: Parts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** @throws EdgeError `invalid_request`, `session_not_found`, and as the allowance. */
  admit(admission: Omit<TurnAdmission, "check">): TurnAdmitted {
    const { session, turn, priority, idempotency, create, maySeeSessions } = admission;
    const { keys, slots, usage, directory, feed } = this.#parts;
    const allowance = this.#parts.allowance();
    const known = keys.useOf(idempotency);
    if (known && (known.session_id !== session || known.turn_id !== turn)) {
      return { status: "known", session: known.session_id, turn: known.turn_id };
    }
    // A retry of the call whose first reply was lost.
    const before = slots.get(turn);
    if (before?.session_id === session) return this.#stateOf(turn);
    if (before || (!known && usage.hasTurn(turn))) {
      throw new EdgeError("invalid_request", `id: there is a turn ${turn} already.`);
    }
    const isListed = create !== undefined && create !== "ephemeral";
    if (known && isListed && !directory.has(session)) {
      throw new EdgeError("session_not_found", noConversation(session));
    }
    allowance.assertTurn();
    if (isListed && !directory.has(session)) allowance.assertSession();
    const { max_concurrent_turns: atOnce } = allowance.limits;
    const blocker = blockerOf(slots.open(), session, atOnce);
    this.#parts.touch();
    this.#storage.transactionSync(() => {
      const now = Date.now();
      const isNew = isListed && !directory.has(session);
      if (isListed) directory.reserve(create, false, now);
      if (isNew) feed.ofSession(session, "created");
      keys.remember(known ? undefined : idempotency, session, turn, now);
      slots.enqueue(turn, session, now, priority);
      slots.grant(atOnce, now, turn);
      if (slots.get(turn)?.status === "queued") feed.ofTurn(turn, session, "queued");
    });
    const state = this.#stateOf(turn);
    return blocker ? { ...state, waitingFor: waitingFor(blocker, session, maySeeSessions) } : state;
  }

  /** Takes back a turn that its session could not store. */
  withdraw(session: string, turn: string): void {
    const { slots, feed } = this.#parts;
    if (slots.get(turn)?.session_id !== session) return;
    this.#storage.transactionSync(() => {
      feed.ofTurn(turn, session, "failed");
      slots.end(turn);
    });
  }

  /** Puts turns that their session still has back into the queue. Returns those that may run. */
  claim(session: string, turns: string[], running: string[]): string[] {
    const { slots, usage } = this.#parts;
    const { max_concurrent_turns: atOnce } = this.#parts.allowance().limits;
    this.#storage.transactionSync(() => {
      const now = Date.now();
      for (const turn of running) {
        if (!usage.hasTurn(turn)) slots.hold(turn, session, now);
      }
      for (const turn of turns) {
        // It was claimed before it ended, and the claim arrives after its end.
        if (usage.hasTurn(turn)) continue;
        slots.enqueue(turn, session, now);
        slots.requeue(turn);
      }
      slots.grant(atOnce, now);
    });
    return turns.filter((turn) => this.#stateOf(turn).status === "running");
  }

  /** The state of a turn, for the reply to its session. A slot counts as told by this reply. */
  #stateOf(turn: string): { status: "running" | "queued" } {
    const isRunning = this.#parts.slots.get(turn)?.status === "running";
    if (isRunning) this.#parts.slots.setTold(turn);
    return { status: isRunning ? "running" : "queued" };
  }
}
