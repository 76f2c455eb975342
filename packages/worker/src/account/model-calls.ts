import type { ModelUsage } from "../model/model-call.js";
import { all, one } from "./rows.js";
import { dayOf, type UsageTable } from "./usage-table.js";

/** A model call that was let through. */
export interface ModelCall {
  /** Grows with every call, over restarts too. */
  id: number;
  /** Empty for a call that belongs to no session, as its turn. */
  session: string;
  turn: string;
  /** A client of the Messages API made it: no agent tells of it. */
  direct: boolean;
}

interface CallRow extends ModelUsage {
  day: string;
  turn_id: string;
  session_id: string;
  model: string;
}

/** What a day has cost. */
export interface Spent {
  tokens: number;
  /** Picodollars. */
  cost: number;
}

/** Ids leave room for this many calls a millisecond. */
const IDS_PER_MS = 1_024;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The account's model calls, as the gateway counts them. Budgets go by them. What a turn used is told by the result
 * message of the Agent SDK; only where none comes any more, because the process is gone, do these stand for it.
 */
export class ModelCalls {
  readonly #sql: SqlStorage;
  readonly #usage: UsageTable;
  #last = 0;
  /** Of the newest day, so that not every call adds all of them up. */
  #spent: (Spent & { day: string }) | undefined;

  constructor(sql: SqlStorage, usage: UsageTable) {
    this.#sql = sql;
    this.#usage = usage;
  }

  /** `session`: as a container says; undefined for a client of the Messages API. */
  begin(session: string | undefined, now: number): ModelCall {
    this.#last = Math.max(this.#last + 1, now * IDS_PER_MS);
    const running = all<{ id: string }>(
      this.#sql,
      "SELECT id FROM turns WHERE session_id = ? AND status != 'queued' ORDER BY position DESC LIMIT 1",
      session ?? "",
    )[0];
    return {
      id: this.#last,
      session: running ? session! : "",
      turn: running?.id ?? "",
      direct: session === undefined,
    };
  }

  /** Counts a call, once. */
  end(call: ModelCall, model: string, used: ModelUsage, now: number): void {
    const { id, session, turn, direct } = call;
    const day = dayOf(now);
    const marks = this.#marks(session);
    const isOpen = session !== "" && id > marks.told && id > marks.ended;
    const before = this.spent(now);
    const { rowsWritten } = this.#sql.exec(
      "INSERT OR IGNORE INTO model_calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      id,
      day,
      turn,
      session,
      model,
      used.input_tokens,
      used.output_tokens,
      used.cache_read_input_tokens,
      used.cache_creation_input_tokens,
      used.cost,
      isOpen ? 1 : 0,
    );
    if (rowsWritten === 0) return;
    this.#spent = {
      day,
      tokens: before.tokens + tokensOf(used),
      cost: before.cost + used.cost,
    };
    const isUntold = id > marks.told && id <= marks.ended;
    if (direct || isUntold) this.#usage.addModel(turn, session, model, day, used);
  }

  /** A result has told of all the session's calls so far. */
  told(session: string): void {
    this.#sql.exec("UPDATE model_calls SET open = 0 WHERE session_id = ? AND open = 1", session);
    this.#mark(session, "told");
  }

  /** The session's process is gone: what no result has told of counts as it was seen here. */
  ended(session: string): void {
    const rows = all<CallRow>(
      this.#sql,
      "UPDATE model_calls SET open = 0 WHERE session_id = ? AND open = 1 RETURNING *",
      session,
    );
    for (const { turn_id, session_id, model, day, ...used } of rows) {
      this.#usage.addModel(turn_id, session_id, model, day, used);
    }
    this.#mark(session, "ended");
  }

  /** What the day has cost so far. */
  spent(now: number): Spent {
    const day = dayOf(now);
    if (this.#spent?.day === day) return this.#spent;
    this.#sql.exec("DELETE FROM model_calls WHERE day < ? AND open = 0", dayOf(now - DAY_MS));
    this.#sql.exec("DELETE FROM metered WHERE session_id NOT IN (SELECT id FROM sessions)");
    const sums = one<Spent>(
      this.#sql,
      `SELECT coalesce(sum(cost), 0) AS cost, coalesce(sum(
          input_tokens + output_tokens + cache_read_input_tokens + cache_creation_input_tokens
        ), 0) AS tokens FROM model_calls WHERE day = ?`,
      day,
    );
    this.#spent = { day, ...sums };
    return this.#spent;
  }

  #marks(session: string): { told: number; ended: number } {
    const query = "SELECT told, ended FROM metered WHERE session_id = ?";
    return (
      all<{ told: number; ended: number }>(this.#sql, query, session)[0] ?? { told: 0, ended: 0 }
    );
  }

  /** Calls that are under way now are meant too, so it goes by the newest id that was given, or could have been. */
  #mark(session: string, column: "told" | "ended"): void {
    this.#last = Math.max(this.#last, Date.now() * IDS_PER_MS);
    this.#sql.exec(
      `INSERT INTO metered (session_id, ${column}) VALUES (?, ?)
        ON CONFLICT (session_id) DO UPDATE SET ${column} = excluded.${column}`,
      session,
      this.#last,
    );
  }
}

const tokensOf = (used: ModelUsage) =>
  used.input_tokens +
  used.output_tokens +
  used.cache_read_input_tokens +
  used.cache_creation_input_tokens;
