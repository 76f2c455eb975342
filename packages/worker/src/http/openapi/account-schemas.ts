import {
  networkPolicy,
  SCOPES,
  turnStatus,
  usageGroup,
  type AccountList,
  type AccountResource,
  type ContainerStatus,
  type DeploymentStatus,
  type LimitsReport,
  type MintedToken,
  type NetworkReport,
  type NetworkUse,
  type NetworkUseList,
  type SecretList,
  type SecretResource,
  type TokenList,
  type TokenResource,
  type TurnTrace,
  type UsageFigures,
  type UsageReport,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import { schemaOf } from "./schema-of.js";

const more = { next_cursor: z.optional(z.string()) };

const container = schemaOf<ContainerStatus>()(
  z.object({
    state: z.enum(["asleep", "starting", "running", "silent"]),
    runner_version: z.optional(z.string()),
    protocol: z.optional(z.number()),
    sdk_version: z.optional(z.string()),
    error: z.optional(z.string()),
    background_tasks: z.optional(z.number()),
  }),
);

export const status = schemaOf<DeploymentStatus>()(
  z.object({
    version: z.string(),
    protocol: z.int(),
    runner_protocol: z.int(),
    model: z.nullable(
      z.object({ variable: z.string(), kind: z.string(), has_base_url: z.boolean() }),
    ),
    container,
    files: z.optional(
      z.object({ storage: z.enum(["r2", "sqlite"]), max_bytes: z.optional(z.number()) }),
    ),
  }),
);

const figures = {
  turns: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_input_tokens: z.number(),
  cache_creation_input_tokens: z.number(),
  cost_usd: z.number(),
};
const usageFigures = schemaOf<UsageFigures>()(z.object(figures));

export const usageReport = schemaOf<UsageReport>()(
  z.object({
    account: z.string(),
    from: z.optional(z.string()),
    to: z.optional(z.string()),
    total: usageFigures,
    group: z.optional(usageGroup),
    groups: z.optional(z.array(z.object({ ...figures, key: z.string() }))),
  }),
);

const LIMITS = [
  "max_concurrent_turns",
  "max_queued_turns",
  "max_sessions",
  "requests_per_minute",
  "tokens_per_day",
  "dollars_per_day",
] as const;

export const limitsReport = schemaOf<LimitsReport>()(
  z.object({
    account: z.string(),
    limits: z.object({
      max_concurrent_turns: z.number(),
      max_queued_turns: z.number(),
      max_sessions: z.nullable(z.number()),
      requests_per_minute: z.nullable(z.number()),
      tokens_per_day: z.nullable(z.number()),
      dollars_per_day: z.nullable(z.number()),
    }),
    own: z.array(z.enum(LIMITS)),
    used: z.object({
      running_turns: z.number(),
      queued_turns: z.number(),
      sessions: z.number(),
      tokens_today: z.number(),
      dollars_today: z.number(),
    }),
  }),
);

export const networkReport = schemaOf<NetworkReport>()(
  z.object({
    account: z.string(),
    deployment: networkPolicy,
    own: z.nullable(networkPolicy),
    granted: z.array(z.string()),
  }),
);

const traffic = {
  host: z.string(),
  requests: z.number(),
  denied: z.number(),
  sent_bytes: z.number(),
  received_bytes: z.number(),
};

const networkUse = schemaOf<NetworkUse>()(z.object({ turn_id: z.string(), ...traffic }));

export const networkUseList = schemaOf<NetworkUseList>()(z.object({ hosts: z.array(networkUse) }));

const scope = z.enum(SCOPES);

const tokenFields = {
  id: z.string(),
  account: z.string(),
  name: z.optional(z.string()),
  session_id: z.optional(z.string()),
  request_id: z.optional(z.string()),
  expires_at: z.nullable(z.string()),
  revoked_at: z.optional(z.string()),
};

export const token = schemaOf<TokenResource>()(
  z.object({
    ...tokenFields,
    scopes: z.optional(z.array(scope)),
    created_at: z.optional(z.string()),
  }),
);

export const mintedToken = schemaOf<MintedToken>()(
  z.object({
    ...tokenFields,
    token: z.string(),
    scopes: z.array(scope),
    created_at: z.string(),
  }),
);

export const tokenList = schemaOf<TokenList>()(z.object({ tokens: z.array(token), ...more }));

export const account = schemaOf<AccountResource>()(
  z.object({
    name: z.string(),
    status: z.enum(["active", "erasing"]),
    sessions: z.number(),
    stored_bytes: z.number(),
    created_at: z.string(),
    last_active_at: z.string(),
    erasure: z.optional(z.object({ started_at: z.string(), error: z.optional(z.string()) })),
  }),
);

export const accountList = schemaOf<AccountList>()(
  z.object({ accounts: z.array(account), ...more }),
);

export const secret = schemaOf<SecretResource>()(
  z.object({
    name: z.string(),
    scope: z.enum(["deployment", "account", "session"]),
    session_id: z.optional(z.string()),
    hosts: z.array(z.string()),
    in: z.object({
      header: z.optional(z.union([z.boolean(), z.string()])),
      query: z.optional(z.boolean()),
      body: z.optional(z.boolean()),
    }),
    created_at: z.string(),
    updated_at: z.string(),
    unreadable: z.optional(z.literal(true)),
  }),
);

export const secretList = schemaOf<SecretList>()(z.object({ secrets: z.array(secret) }));

export const trace = schemaOf<TurnTrace>()(
  z.object({
    session_id: z.string(),
    turn_id: z.string(),
    trace_id: z.string(),
    parent_span_id: z.optional(z.string()),
    status: turnStatus,
    start: z.number(),
    end: z.optional(z.number()),
    first_token_at: z.optional(z.number()),
    steps: z.array(
      z.object({
        kind: z.string(),
        name: z.string(),
        start: z.number(),
        end: z.optional(z.number()),
        failed: z.optional(z.literal(true)),
        attributes: z.optional(
          z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
        ),
      }),
    ),
    network: z.array(z.object(traffic)),
    dropped_steps: z.optional(z.number()),
  }),
);
