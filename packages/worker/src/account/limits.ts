import { EdgeError, type AccountLimits, type UpdateLimitsRequest } from "@claude-edge/protocol";
import { BUDGET_SPENT } from "@claude-edge/protocol/internal";

import type { Env } from "../env.js";
import type { Spent } from "./spending.js";
import { all } from "../sql/rows.js";
import { PICO } from "../session/model-call-table.js";

type Name = keyof AccountLimits;
type Setting = { variable: keyof Env; fallback: number | null; minimum: number; whole: boolean };

/** Every limit: the deployment's variable, its default, and its valid range. */
const SETTINGS: Readonly<Record<Name, Setting>> = {
  max_concurrent_turns: {
    variable: "CLAUDE_EDGE_MAX_CONCURRENT_TURNS",
    fallback: 1,
    minimum: 1,
    whole: true,
  },
  max_queued_turns: {
    variable: "CLAUDE_EDGE_MAX_QUEUED_TURNS",
    fallback: 100,
    minimum: 0,
    whole: true,
  },
  max_sessions: { variable: "CLAUDE_EDGE_MAX_SESSIONS", fallback: null, minimum: 0, whole: true },
  requests_per_minute: {
    variable: "CLAUDE_EDGE_REQUESTS_PER_MINUTE",
    fallback: null,
    minimum: 0,
    whole: true,
  },
  tokens_per_day: {
    variable: "CLAUDE_EDGE_TOKENS_PER_DAY",
    fallback: null,
    minimum: 0,
    whole: true,
  },
  dollars_per_day: {
    variable: "CLAUDE_EDGE_DOLLARS_PER_DAY",
    fallback: null,
    minimum: 0,
    whole: false,
  },
};

const NAMES = Object.keys(SETTINGS) as Name[];

/** An account's limits. Limits of the account override those of the deployment. */
export class Limits {
  readonly #sql: SqlStorage;
  readonly #env: Env;
  #current: AccountLimits | undefined;

  constructor(sql: SqlStorage, env: Env) {
    this.#sql = sql;
    this.#env = env;
  }

  /** @throws EdgeError `setting_invalid`: an unreadable limit must not count as no limit. */
  get current(): AccountLimits {
    if (this.#current) return this.#current;
    const own = new Map(this.#rows().map(({ name, value }) => [name, value]));
    const limits = NAMES.map((name) => [
      name,
      own.has(name) ? own.get(name) : ofDeployment(this.#env, SETTINGS[name]),
    ]);
    return (this.#current = Object.fromEntries(limits) as AccountLimits);
  }

  /** The names of the limits that were set for this account. */
  get own(): Name[] {
    const set = new Set(this.#rows().map(({ name }) => name));
    return NAMES.filter((name) => set.has(name));
  }

  update(changes: UpdateLimitsRequest): void {
    for (const name of NAMES) {
      const value = changes[name];
      if (value === undefined) continue;
      this.#sql.exec("DELETE FROM limits WHERE name = ?", name);
      if (value === null) continue;
      this.#sql.exec(
        "INSERT INTO limits (name, value) VALUES (?, ?)",
        name,
        value === "none" ? null : value,
      );
    }
    this.#current = undefined;
  }

  /** Whether a budget is spent. @throws EdgeError `setting_invalid`. */
  isSpent(spent: Spent): boolean {
    return this.#overspent(spent) !== undefined;
  }

  #overspent(spent: Spent): { limit: Name; allowed: number; used: number } | undefined {
    const { tokens_per_day: tokens, dollars_per_day: dollars } = this.current;
    const dollarsSpent = spent.cost / PICO;
    if (tokens !== null && spent.tokens >= tokens) {
      return { limit: "tokens_per_day", allowed: tokens, used: spent.tokens };
    }
    return dollars !== null && dollarsSpent >= dollars
      ? { limit: "dollars_per_day", allowed: dollars, used: dollarsSpent }
      : undefined;
  }

  /** @throws EdgeError `budget_spent`. */
  assertBudget(spent: Spent, now: number): void {
    const over = this.#overspent(spent);
    if (!over) return;
    const { limit, allowed, used } = over;
    const is =
      limit === "tokens_per_day" ? `${used} of ${allowed} tokens` : `$${used} of $${allowed}`;
    const resets_at = new Date(new Date(now).setUTCHours(24, 0, 0, 0)).toISOString();
    throw new EdgeError("budget_spent", `${BUDGET_SPENT} today: ${is}.`, {
      ...over,
      resets_at,
    });
  }

  #rows(): { name: Name; value: number | null }[] {
    return all<{ name: Name; value: number | null }>(this.#sql, "SELECT * FROM limits");
  }
}

function ofDeployment(env: Env, { variable, fallback, minimum, whole }: Setting): number | null {
  const given = env[variable] as string | number | undefined;
  if (given === undefined || String(given).trim() === "") return fallback;
  const value = Number(given);
  if (value >= minimum && (whole ? Number.isSafeInteger(value) : Number.isFinite(value)))
    return value;
  const form = whole ? `a whole number from ${minimum}` : "a number from 0";
  throw new EdgeError(
    "setting_invalid",
    `${variable} is ${JSON.stringify(given)}: it must be ${form}.`,
  );
}
