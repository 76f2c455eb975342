import type { AccountLimits, LimitChanges, LimitsReport } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { table } from "../terminal/table.js";

export interface ShowLimitsFlags extends TargetFlags {
  json?: boolean;
}

type Limit = number | "none" | "default";

export interface SetLimitsFlags extends ShowLimitsFlags {
  concurrentTurns?: Limit;
  queuedTurns?: Limit;
  sessions?: Limit;
  requestsPerMinute?: Limit;
  tokensPerDay?: Limit;
  dollarsPerDay?: Limit;
}

/** `claude-edge limits`. Gives the exit code. */
export async function showLimits(flags: ShowLimitsFlags, context: Context): Promise<number> {
  const { signal } = context;
  return print(await connect(flags, context).limits({ signal }), flags, context);
}

/** `claude-edge limits set`. Gives the exit code. */
export async function setLimits(flags: SetLimitsFlags, context: Context): Promise<number> {
  const ofDeployment = (given: Limit | undefined) => (given === "default" ? null : given);
  // The deployment says what a limit may be: turns at once, for one, are never without.
  const changes = {
    maxConcurrentTurns: ofDeployment(flags.concurrentTurns),
    maxQueuedTurns: ofDeployment(flags.queuedTurns),
    maxSessions: ofDeployment(flags.sessions),
    requestsPerMinute: ofDeployment(flags.requestsPerMinute),
    tokensPerDay: ofDeployment(flags.tokensPerDay),
    dollarsPerDay: ofDeployment(flags.dollarsPerDay),
  } as LimitChanges;
  if (Object.values(changes).every((value) => value === undefined)) {
    throw new EdgeError("usage", "Name a limit: claude-edge limits set --help lists them.");
  }
  const { signal } = context;
  return print(await connect(flags, context).updateLimits(changes, { signal }), flags, context);
}

/** How each is called, and what is used of it. */
const ROWS: Record<
  keyof AccountLimits,
  [name: string, used?: (of: LimitsReport["used"]) => string]
> = {
  max_concurrent_turns: ["turns at once", (used) => String(used.running_turns)],
  max_queued_turns: ["turns that wait", (used) => String(used.queued_turns)],
  max_sessions: ["sessions", (used) => String(used.sessions)],
  requests_per_minute: ["requests a minute"],
  tokens_per_day: ["tokens a day", (used) => String(used.tokens_today)],
  dollars_per_day: ["dollars a day", (used) => used.dollars_today.toFixed(4)],
};

async function print(
  report: LimitsReport,
  { json }: ShowLimitsFlags,
  { stdout }: Context,
): Promise<number> {
  if (json) {
    await writeJson(stdout, report);
    return EXIT.ok;
  }
  const { limits, own, used } = report;
  const rows = Object.entries(ROWS).map(([key, [name, usedOf]]) => {
    const value = limits[key as keyof AccountLimits];
    const whose = own.includes(key as keyof AccountLimits) ? "the account's" : "the deployment's";
    return [name, usedOf?.(used) ?? "", value === null ? "none" : String(value), whose];
  });
  await write(stdout, table(["LIMIT", "USED", "ALLOWED", "WHOSE"], rows, { right: [1, 2] }));
  return EXIT.ok;
}
