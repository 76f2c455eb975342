import type { Usage, UsageFigures, UsageGroup, UsageReport } from "@claude-edge/protocol";
import { EdgeError } from "@claude-edge/protocol";

import type { ModelUsage } from "../model/model-call.js";
import { all, one } from "./rows.js";

/**
 * Costs are kept in picodollars, as whole numbers: a token at a price per million with six decimals still is one, so
 * sums are exact where those of floating point dollars drift.
 */
export const PICO = 1e12;

/** More of them than this want a shorter time. */
const MAX_GROUPS = 10_000;

/** What is asked of an account's usage. Days are UTC, YYYY-MM-DD, the last included. */
export interface UsageQuery {
  from?: string | undefined;
  to?: string | undefined;
  group?: UsageGroup | undefined;
}

interface SumRow extends UsageFigures {
  key: string;
}

/** The row with an empty model stands for the turn itself. */
const SUMS = `
  count(DISTINCT iif(model = '' OR ?3, nullif(turn_id, ''), NULL)) AS turns,
  coalesce(sum(input_tokens), 0) AS input_tokens,
  coalesce(sum(output_tokens), 0) AS output_tokens,
  coalesce(sum(cache_read_input_tokens), 0) AS cache_read_input_tokens,
  coalesce(sum(cache_creation_input_tokens), 0) AS cache_creation_input_tokens,
  coalesce(sum(cost), 0) AS cost_usd
  FROM usage WHERE day >= ?1 AND day <= ?2`;

const COLUMNS = { day: "day", session: "session_id", model: "model" } as const;

/** The day in UTC, YYYY-MM-DD. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const inDollars = <Row extends UsageFigures>(row: Row): Row => ({
  ...row,
  cost_usd: row.cost_usd / PICO,
});

/** What an account has used, by turn, model and day. It outlives the sessions. */
export class UsageTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A turn has ended, whatever it used. */
  addTurn(turn: string, session: string, now: number): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO usage (turn_id, model, day, session_id) VALUES (?, '', ?, ?)",
      turn,
      dayOf(now),
      session,
    );
  }

  /** Models were used in a turn, or for its sake after its end. */
  add(turn: string, session: string, { models }: Usage, now: number): void {
    for (const [model, figures] of Object.entries(models)) {
      const cost = Math.round(figures.cost_usd * PICO);
      this.addModel(turn, session, model, dayOf(now), { ...figures, cost });
    }
  }

  /** `turn` and `session` are empty for what belongs to none. */
  addModel(turn: string, session: string, model: string, day: string, used: ModelUsage): void {
    this.#sql.exec(
      `INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
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

  /** Days in their order, sessions and models by what they cost. @throws EdgeError `invalid_request` for too many. */
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
    const ofModels = group === "model";
    const rows = all<SumRow>(
      this.#sql,
      `SELECT ${column} AS key, ${SUMS} ${ofModels ? "AND model != ''" : ""} GROUP BY ${column}
        ORDER BY ${group === "day" ? "key" : "cost_usd DESC, key"} LIMIT ${MAX_GROUPS + 1}`,
      ...time,
      ofModels ? 1 : 0,
    );
    if (rows.length <= MAX_GROUPS) return rows.map(inDollars);
    const message = `There are more than ${MAX_GROUPS} ${group}s: name a shorter time with from and to.`;
    throw new EdgeError("invalid_request", message);
  }
}
