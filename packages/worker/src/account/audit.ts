import {
  AUDIT_KEPT_MS,
  MAX_AUDIT_ENTRIES,
  type AuditAction,
  type AuditActor,
  type AuditEntry,
} from "@claude-edge/protocol";

import { auditActor } from "../session/audit.js";
import type { Actor, AuditNotice } from "../session/account-port.js";
import { all } from "../sql/rows.js";

/** Entries are looked at for their number each time so many were added. */
const SWEEP_EVERY = 100;

/** Old entries go once a day, milliseconds: an alarm for each would wake the account as often. */
const SWEEP_PAUSE_MS = 24 * 3_600_000;

/** Longer details are left out, characters: a network policy may name hundreds of hosts. */
const MAX_DETAILS = 2_000;

/** Entries that outlive an erasure: those of erasures, the newest. */
const MAX_KEPT = 100;

/** What is told of an action beside its target. */
interface More {
  session_id?: string | undefined;
  details?: Record<string, unknown> | undefined;
}

interface Row {
  seq: number;
  at: number;
  entry: string;
}

/** The account's audit log: who did what, for 90 days, and a bounded number. Written in the transaction of the change. */
export class Audit {
  readonly #sql: SqlStorage;
  readonly #arm: () => void;
  readonly #most: number;
  #actor: Actor | undefined;
  #added = 0;

  /** @param arm Sees to an alarm, which removes old entries. */
  constructor(sql: SqlStorage, arm: () => void, most: number = MAX_AUDIT_ENTRIES) {
    this.#sql = sql;
    this.#arm = arm;
    this.#most = most;
  }

  /** Names a caller for the entries that its call adds before it first waits for anything. */
  by<Value>(actor: Actor, work: () => Value): Value {
    this.#actor = actor;
    try {
      return work();
    } finally {
      this.#actor = undefined;
    }
  }

  /** Notes what the current caller does. Call it in the transaction of the change. */
  add(action: AuditAction, target: string, more: More = {}): void {
    const { requestId } = this.#actor ?? {};
    this.#write(Date.now(), { action, actor: auditActor(this.#actor), target, requestId, ...more });
  }

  /** Notes what a caller did in a session. */
  addOf(session: string, { kind: _kind, at, ...done }: AuditNotice): void {
    this.#write(at, { ...done, ...(done.target === session ? {} : { session_id: session }) });
  }

  #write(
    at: number,
    {
      action,
      actor,
      target,
      session_id,
      requestId: request_id,
      details,
    }: {
      action: AuditAction;
      actor: AuditActor;
      target: string;
      requestId?: string | undefined;
    } & More,
  ): void {
    const isLong = details && JSON.stringify(details).length > MAX_DETAILS;
    const entry = { action, actor, target, session_id, request_id, details };
    const now = Date.now();
    // At least the time, so that a cursor of before an erasure is none of after it.
    const [newest] = all<{ seq: number }>(
      this.#sql,
      "SELECT seq FROM audit ORDER BY seq DESC LIMIT 1",
    );
    this.#sql.exec(
      "INSERT INTO audit (seq, at, entry) VALUES (?, ?, ?)",
      Math.max((newest?.seq ?? 0) + 1, now),
      at,
      JSON.stringify(isLong ? { ...entry, details: { left_out: true } } : entry),
    );
    if (!newest) this.#arm();
    this.#added += 1;
    if (this.#added % SWEEP_EVERY === 0) this.#removeBeyond();
  }

  /** Entries after a cursor, oldest first. */
  page(after: number, limit: number): AuditEntry[] {
    return all<Row>(
      this.#sql,
      "SELECT seq, at, entry FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
      after,
      limit,
    ).map(({ seq, at, entry }) => ({
      seq,
      at,
      ...(JSON.parse(entry) as Omit<AuditEntry, "seq" | "at">),
    }));
  }

  /** When the alarm has entries to remove. */
  dueAt(): number | undefined {
    const [oldest] = all<{ seq: number }>(this.#sql, "SELECT seq FROM audit ORDER BY seq LIMIT 1");
    return oldest && oldest.seq + AUDIT_KEPT_MS + SWEEP_PAUSE_MS;
  }

  /** Removes entries that are older than they have to be. */
  removeOld(now: number): void {
    this.#sql.exec("DELETE FROM audit WHERE seq < ?", now - AUDIT_KEPT_MS);
  }

  /** Runs what empties all tables, and keeps who erased the account. Call it in a transaction. */
  throughErasure(empty: () => void): void {
    const kept = all<Row>(
      this.#sql,
      "SELECT seq, at, entry FROM audit WHERE entry ->> 'action' = 'account.erased' ORDER BY seq DESC LIMIT ?",
      MAX_KEPT,
    );
    empty();
    for (const { seq, at, entry } of kept) {
      this.#sql.exec("INSERT INTO audit (seq, at, entry) VALUES (?, ?, ?)", seq, at, entry);
    }
  }

  #removeBeyond(): void {
    const query = "SELECT seq FROM audit ORDER BY seq DESC LIMIT 1 OFFSET ?";
    const [beyond] = all<{ seq: number }>(this.#sql, query, this.#most);
    if (beyond) this.#sql.exec("DELETE FROM audit WHERE seq <= ?", beyond.seq);
  }
}
