import * as z from "zod/mini";

import { sessionOptions } from "./options.js";
import type { Scope } from "./tokens.js";
import { TURN_STATUSES } from "./turn-status.js";

/**
 * Where a turn stands. `waiting`: for an answer, with no process held for it; `running` comes again. `completed`, `failed` and `interrupted` are final; exactly one of them comes.
 */
export const turnStatus = z.enum(TURN_STATUSES);
/** `queued`, `running`, `waiting` (for an answer), then `completed`, `failed` or `interrupted`. */
export type TurnStatus = z.infer<typeof turnStatus>;

/** What one turn used: true figures of that turn, not sums over the session. Costs are US dollars. */
export const usage = z.looseObject({
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_input_tokens: z.number(),
  cache_creation_input_tokens: z.number(),
  cost_usd: z.number(),
  /** The same by model; subagents and helper models included. */
  models: z.record(
    z.string(),
    z.looseObject({
      input_tokens: z.number(),
      output_tokens: z.number(),
      cache_read_input_tokens: z.number(),
      cache_creation_input_tokens: z.number(),
      cost_usd: z.number(),
    }),
  ),
});
/**
 * What one turn used: tokens, and US dollars.
 * @interface
 */
export type Usage = z.infer<typeof usage>;

export const usageGroup = z.enum(["day", "session", "model"]);
/** What an account's usage can be split by. */
export type UsageGroup = z.infer<typeof usageGroup>;

/** Sums over turns: their number, tokens, and US dollars. */
export interface UsageFigures {
  turns: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  cost_usd: number;
}

/** Answer of `GET /v1/usage`: what an account has used, deleted sessions included. Days are UTC, YYYY-MM-DD. */
export interface UsageReport {
  account: string;
  from?: string;
  /** The last day, which is included. */
  to?: string;
  total: UsageFigures;
  group?: UsageGroup;
  /**
   * By day, session id or model: days in their order, the others by what they cost. A turn that used two models counts
   * for both. Model calls of no session are in no group of `session`.
   */
  groups?: (UsageFigures & { key: string })[];
}

/** What a completed turn came to. */
export const turnResult = z.looseObject({
  /** The final answer's text. */
  text: z.string(),
  /** The structured output, when the session has an `outputFormat`: always there then, else the turn has failed. */
  output: z.optional(z.unknown()),
  /** The model that answered last. */
  model: z.optional(z.string()),
  stop_reason: z.nullable(z.string()),
  /** Model calls with tools in between, as the Agent SDK counts them. */
  num_turns: z.number(),
  /** Wall time in the container, milliseconds. */
  duration_ms: z.number(),
});
export type TurnResult = z.infer<typeof turnResult>;

const wireErrorSchema = z.looseObject({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  suggestion: z.optional(z.string()),
  details: z.optional(z.record(z.string(), z.unknown())),
});

/** One prompt up to its result. Times are ISO 8601. */
export const turn = z.looseObject({
  id: z.string(),
  session_id: z.string(),
  status: turnStatus,
  created_at: z.string(),
  /** When it got its slot. */
  started_at: z.optional(z.string()),
  /** When the first piece of its answer, or of its thinking, came. */
  first_token_at: z.optional(z.string()),
  ended_at: z.optional(z.string()),
  /** How long it waited for answers with no process held for it, milliseconds. */
  waiting_ms: z.optional(z.number()),
  /** The turn that was running and has taken its prompt in: it ends with that turn and as that does. */
  steered_turn_id: z.optional(z.string()),
  result: z.optional(turnResult),
  error: z.optional(wireErrorSchema),
  usage: z.optional(usage),
});
/**
 * One prompt up to its result, as the deployment keeps it. Times are ISO 8601.
 * @interface
 */
export type TurnResource = z.infer<typeof turn>;

export const sessionStatus = z.enum(["idle", "running", "waiting"]);
export type SessionStatus = z.infer<typeof sessionStatus>;

/** A conversation. */
export const session = z.looseObject({
  id: z.string(),
  title: z.nullable(z.string()),
  tags: z.array(z.string()),
  /** `waiting`: for an answer to a request, with no process held for it. */
  status: sessionStatus,
  /** With `"***"` in place of values that may be credentials; sent back as it is, an entry keeps its values. */
  options: sessionOptions,
  /**
   * What becomes of a turn whose container is lost. `resume`: it is begun again where it was cut off. `fail`: it fails.
   * `auto`: it is begun again unless a tool that may have had an effect would run a second time; then it fails.
   */
  on_container_lost: z.enum(["auto", "fail", "resume"]),
  /** How long its permissions and questions may wait for an answer, milliseconds. */
  approval_timeout_ms: z.optional(z.number()),
  /** How long it is kept after its last activity, seconds, if it was given a time of its own. */
  expires_in: z.optional(z.number()),
  /** When it is deleted unless it is used before. Not there when it is kept, or while a turn is open. */
  expires_at: z.optional(z.string()),
  /** The session it was forked from, and the message or turn it was forked at, if not at its end. */
  forked_from: z.optional(
    z.looseObject({
      session_id: z.string(),
      message_id: z.optional(z.string()),
      turn_id: z.optional(z.string()),
    }),
  ),
  /** How many tasks run in the background; not there when none does. */
  background_tasks: z.optional(z.number()),
  /** The highest `seq` its log holds so far; 0 for a session without events. */
  last_seq: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
});
/**
 * A conversation as the deployment keeps it. Times are ISO 8601.
 * @interface
 */
export type SessionResource = z.infer<typeof session>;

/** Answer of `GET /v1/sessions`: newest first; `next_cursor` is there when more follow. */
export const sessionList = z.looseObject({
  sessions: z.array(session),
  next_cursor: z.optional(z.string()),
});
export type SessionList = z.infer<typeof sessionList>;

/** Answer of `GET /v1/sessions/{id}/turns`: newest first; `next_cursor` is there when more follow. */
export const turnList = z.looseObject({
  turns: z.array(turn),
  next_cursor: z.optional(z.string()),
});
export type TurnList = z.infer<typeof turnList>;

/** Answer of `GET /v1/sessions/{id}/events` as JSON. */
export const eventList = z.looseObject({ events: z.array(z.unknown()), last_seq: z.number() });

/** A token of an account, without the token itself. Times are ISO 8601. */
export interface TokenResource {
  /** What it is revoked by: the token's `jti`. */
  id: string;
  account: string;
  name?: string;
  /** Not there, as `created_at`, for one that was minted elsewhere and is known because it was revoked. */
  scopes?: Scope[];
  /** The one session it is for. */
  session_id?: string;
  /** The one request of that session that it is for. */
  request_id?: string;
  created_at?: string;
  /** `null`: it holds until it is revoked. */
  expires_at: string | null;
  revoked_at?: string;
}

/** Answer of `GET /v1/tokens`: newest first; `next_cursor` is there when more follow. */
export interface TokenList {
  tokens: TokenResource[];
  next_cursor?: string;
}

/** Answer of `POST /v1/tokens`: the only one that ever holds the token. */
export type MintedToken = TokenResource & {
  /** What to send as `Authorization: Bearer …`. */
  token: string;
  scopes: Scope[];
  created_at: string;
};

/** Any HTTP answer that is not a success. */
export const errorAnswer = z.looseObject({
  type: z.literal("error"),
  error: wireErrorSchema,
  request_id: z.optional(z.string()),
});

/** Answer of `GET /health`. */
export const health = z.looseObject({
  status: z.literal("ok"),
  version: z.string(),
  protocol: z.number(),
});
/**
 * What a deployment says of itself to everybody: that it is up, its version, and that of its protocol.
 * @interface
 */
export type Health = z.infer<typeof health>;
