import type { UsageFigures, UsageGroup, UsageReport } from "@claude-edge/protocol";
import { EdgeError } from "@claude-edge/protocol";

import type { ModelUsage } from "../egress/model-call.js";
import { dayOf, PICO } from "../session/model-call-table.js";
import { all, one } from "../sql/rows.js";

/** Reports with more groups are refused. */
const MAX_GROUPS = 10_000;

/** A query of an account's usage. Days are UTC, YYYY-MM-DD, inclusive. */
export interface UsageQuery {
  from?: string | undefined;
  to?: string | undefined;
  group?: UsageGroup | undefined;
}

interface SumRow extends UsageFigures {
  key: string;
}

/** The row with an empty model stands for the turn itself. Unlike `sum`, `total` does not fail beyond 64 bits. */
const SUMS = `
  count(DISTINCT iif(model = '' OR ?3, nullif(turn_id, ''), NULL)) AS turns,
  total(input_tokens) AS input_tokens,
  total(output_tokens) AS output_tokens,
  total(cache_read_input_tokens) AS cache_read_input_tokens,
  total(cache_creation_input_tokens) AS cache_creation_input_tokens,
  total(cost) AS cost_usd
  FROM usage WHERE day >= ?1 AND day <= ?2`;

const COLUMNS = { day: "day", session: "session_id", model: "model" } as const;

/** Of no session are calls of the Messages API; of no model are the rows of turns. */
const IS_GROUPED = { day: "1", session: "session_id != ''", model: "model != ''" } as const;

const inDollars = <Row extends UsageFigures>(row: Row): Row => ({
  ...row,
  cost_usd: row.cost_usd / PICO,
});

/** An account's usage by turn, model and day. It outlives the sessions. */
export class UsageTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Counts an ended turn, independent of its usage. */
  addTurn(turn: string, session: string, now: number): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO usage (turn_id, model, day, session_id) VALUES (?, '', ?, ?)",
      turn,
      dayOf(now),
      session,
    );
  }

  /** Whether a turn has ended. */
  hasTurn(turn: string): boolean {
    const query = "SELECT 1 FROM usage WHERE turn_id = ? AND model = '' LIMIT 1";
    return all(this.#sql, query, turn).length > 0;
  }

  /** `turn` and `session` are empty for usage outside of turns. */
  add(turn: string, session: string, model: string, day: string, used: ModelUsage): void {
    this.#sql.exec(
      `INSERT INTO usage (turn_id, model, day, session_id, input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET
          input_tokens = input_tokens + excluded.input_tokens,
          output_tokens = output_tokens + excluded.output_tokens,
          cache_read_input_tokens = cache_read_input_tokens + excluded.cache_read_input_tokens,
          cache_creation_input_tokens = cache_creation_input_tokens + excluded.cache_creation_input_tokens,
          cost = cost + excluded.cost`,
      turn,
      model,
      day,
      session,
      Math.round(used.input_tokens),
      Math.round(used.output_tokens),
      Math.round(used.cache_read_input_tokens),
      Math.round(used.cache_creation_input_tokens),
      used.cost,
    );
  }

  /** Days in order, sessions and models by descending cost. @throws EdgeError `invalid_request` for too many groups. */
  report(account: string, { from, to, group }: UsageQuery): UsageReport {
    const time = [from ?? "", to ?? "9999"];
    const total = one<UsageFigures>(this.#sql, `SELECT ${SUMS}`, ...time, 0);
    return {
      account,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      total: inDollars(total),
      ...(group === undefined ? {} : { group, groups: this.#groups(group, time) }),
    };
  }

  #groups(group: UsageGroup, time: string[]): SumRow[] {
    const column = COLUMNS[group];
    const rows = all<SumRow>(
      this.#sql,
      `SELECT ${column} AS key, ${SUMS} AND ${IS_GROUPED[group]} GROUP BY ${column}
        ORDER BY ${group === "day" ? "key" : "cost_usd DESC, key"} LIMIT ${MAX_GROUPS + 1}`,
      ...time,
      group === "model" ? 1 : 0,
    );
    if (rows.length <= MAX_GROUPS) return rows.map(inDollars);
    const message = `There are more than ${MAX_GROUPS} ${group}s: name a shorter time with from and to.`;
    throw new EdgeError("invalid_request", message);
  }
}
