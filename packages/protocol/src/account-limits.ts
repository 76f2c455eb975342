import * as z from "zod/mini";

import { accountName } from "./requests.js";

/** What an account may use at the most; `null`: no limit. Days are in UTC. */
export interface AccountLimits {
  /** Turns that run at the same time; the others wait their turn. */
  max_concurrent_turns: number;
  /** Turns that wait at the same time. */
  max_queued_turns: number;
  max_sessions: number | null;
  requests_per_minute: number | null;
  /** Tokens in and out, those of the cache included, as the model gateway counts them. */
  tokens_per_day: number | null;
  /** US dollars at list prices, as the model gateway counts them. */
  dollars_per_day: number | null;
}

/** Answer of `GET /v1/limits`. */
export interface LimitsReport {
  account: string;
  limits: AccountLimits;
  /** Those that were set for this account, by name; the others are the deployment's. */
  own: (keyof AccountLimits)[];
  used: {
    running_turns: number;
    queued_turns: number;
    sessions: number;
    tokens_today: number;
    dollars_today: number;
  };
}

const count = z.int().check(z.nonnegative(), z.maximum(1_000_000_000_000));
const amount = z.number().check(z.nonnegative(), z.maximum(1_000_000_000));
/** `none`: no limit. `null`: the deployment's again. */
const orNone = <Schema extends z.ZodMiniType>(schema: Schema) =>
  z.optional(z.nullable(z.union([schema, z.literal("none")])));

/** Body of `PATCH /v1/limits`: what is named is set for the account, the rest stays. */
export const updateLimitsRequest = z.strictObject({
  accountId: z.optional(accountName),
  max_concurrent_turns: z.optional(z.nullable(z.int().check(z.positive(), z.maximum(1_000)))),
  max_queued_turns: z.optional(z.nullable(z.int().check(z.nonnegative(), z.maximum(10_000)))),
  max_sessions: orNone(count),
  requests_per_minute: orNone(count),
  tokens_per_day: orNone(count),
  dollars_per_day: orNone(amount),
});
export type UpdateLimitsRequest = z.infer<typeof updateLimitsRequest>;
