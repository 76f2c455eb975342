import type { LimitsReport } from "./account-limits.js";
import type { NetworkReport, NetworkUseList } from "./network.js";
import type { AccountList, AccountResource } from "./accounts.js";
import type { AuditEntry } from "./audit.js";
import type { RequestResource } from "./callbacks.js";
import type { FeedEntry } from "./feed.js";
import type { WireError } from "./errors.js";
import type { SecretList, SecretResource } from "./secrets.js";
import type { TurnTrace } from "./trace.js";
import { TURN_STATUSES } from "./turn-status.js";
import type { DeliveryResource, WebhookResource, WebhookWithSecret } from "./webhooks.js";
import type {
  Health,
  MintedToken,
  SessionList,
  SessionResource,
  TokenList,
  TokenResource,
  TurnList,
  TurnResource,
  UsageReport,
} from "./resources.js";

/**
 * What a client checks of an answer before it believes it: that the fields it goes by are there, of their type. By
 * hand, for a browser's sake: the same with `zod/mini` schemas is 10 kB more of its bundle, compressed. What the
 * deployment takes in is checked with schemas.
 */
type Form = Record<string, "string" | "number" | "boolean" | "object" | Form[]>;

/** True when it is an object whose fields have these types; other fields may be there, from a newer deployment. */
function hasForm(value: unknown, form: Form): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(form).every(([name, type]) => {
    const field = (value as Record<string, unknown>)[name];
    if (!Array.isArray(type)) return typeof field === type && field !== null;
    return Array.isArray(field) && field.every((item) => hasForm(item, type[0]!));
  });
}

const SESSION: Form = { id: "string", status: "string", options: "object", last_seq: "number" };
const TURN: Form = { id: "string", session_id: "string", status: "string" };
const REQUEST: Form = { id: "string", session_id: "string", kind: "string", status: "string" };
const WHOLE_REQUEST: Form = { ...REQUEST, payload: "object" };
const TOKEN: Form = { id: "string", account: "string" };
const ACCOUNT: Form = { name: "string", status: "string", sessions: "number" };
const SECRET: Form = { name: "string", scope: "string", hosts: "object" };
const WEBHOOK: Form = { id: "string", url: "string", enabled: "boolean" };
const DELIVERY: Form = { id: "string", message_id: "string", status: "string", attempts: "number" };
const ERROR: Form = { code: "string", message: "string", retryable: "boolean" };

const AUDIT_ENTRY: Form = { seq: "number", at: "number", action: "string", actor: "object" };

export const isAuditEntry = (value: unknown): value is AuditEntry => hasForm(value, AUDIT_ENTRY);

export const isSession = (value: unknown): value is SessionResource => hasForm(value, SESSION);

export const isSessionList = (value: unknown): value is SessionList =>
  hasForm(value, { sessions: [SESSION] });

/** The events themselves are checked one by one: their form depends on their kind. */
export const isEventList = (
  value: unknown,
): value is { events: { kind: string; seq: number }[]; last_seq: number } =>
  hasForm(value, { events: [{ kind: "string", seq: "number" }], last_seq: "number" });

/** Of a kind that a newer deployment has, too. */
export const isFeedEntry = (value: unknown): value is FeedEntry =>
  hasForm(value, { seq: "number", at: "number", kind: "string" });

export const isTurn = (value: unknown): value is TurnResource => hasForm(value, TURN);

export const isTurnTrace = (value: unknown): value is TurnTrace =>
  hasForm(value, {
    turn_id: "string",
    trace_id: "string",
    start: "number",
    steps: [{ kind: "string", name: "string", start: "number" }],
  });

export const isTurnList = (value: unknown): value is TurnList => hasForm(value, { turns: [TURN] });

export const isRequest = (value: unknown): value is RequestResource =>
  hasForm(value, WHOLE_REQUEST);

export const isRequestList = (value: unknown): value is { requests: RequestResource[] } =>
  hasForm(value, { requests: [WHOLE_REQUEST] });

export const isToken = (value: unknown): value is TokenResource => hasForm(value, TOKEN);

export const isMintedToken = (value: unknown): value is MintedToken =>
  hasForm(value, { ...TOKEN, token: "string" });

export const isTokenList = (value: unknown): value is TokenList =>
  hasForm(value, { tokens: [TOKEN] });

export const isAccount = (value: unknown): value is AccountResource => hasForm(value, ACCOUNT);

export const isAccountList = (value: unknown): value is AccountList =>
  hasForm(value, { accounts: [ACCOUNT] });

export const isSecret = (value: unknown): value is SecretResource => hasForm(value, SECRET);

export const isSecretList = (value: unknown): value is SecretList =>
  hasForm(value, { secrets: [SECRET] });

export const isWebhook = (value: unknown): value is WebhookResource => hasForm(value, WEBHOOK);

export const isWebhookWithSecret = (value: unknown): value is WebhookWithSecret =>
  hasForm(value, { ...WEBHOOK, secret: "string" });

export const isWebhookList = (value: unknown): value is { webhooks: WebhookResource[] } =>
  hasForm(value, { webhooks: [WEBHOOK] });

export const isDelivery = (value: unknown): value is DeliveryResource => hasForm(value, DELIVERY);

export const isDeliveryList = (
  value: unknown,
): value is { deliveries: DeliveryResource[]; next_cursor?: string } =>
  hasForm(value, { deliveries: [DELIVERY] });

export const isUsageReport = (value: unknown): value is UsageReport =>
  hasForm(value, { account: "string", total: "object" });

export const isLimitsReport = (value: unknown): value is LimitsReport =>
  hasForm(value, { account: "string", limits: "object", used: "object" });

export const isNetworkReport = (value: unknown): value is NetworkReport =>
  hasForm(value, { account: "string", deployment: "object", granted: "object" });

export const isNetworkUseList = (value: unknown): value is NetworkUseList =>
  hasForm(value, { hosts: [{ turn_id: "string", host: "string", requests: "number" }] });

export const isHealth = (value: unknown): value is Health =>
  hasForm(value, { status: "string", version: "string", protocol: "number" });

export const isErrorAnswer = (value: unknown): value is { error: WireError } =>
  hasForm(value, { type: "string", error: "object" }) &&
  hasForm((value as { error: unknown }).error, ERROR);

/** A turn's status must be known: what to make of it is the point. */
const STATUSES: ReadonlySet<unknown> = new Set(TURN_STATUSES);

/** The data of each kind of event. */
export const EVENTS = {
  message: (data: unknown) => isEvent(data) && hasForm(data.message, { type: "string" }),
  delta: (data: unknown) => isEvent(data) && hasForm(data.message, { type: "string" }),
  turn: (data: unknown) =>
    isEvent(data) && hasForm(data, { session_id: "string" }) && STATUSES.has(data.status),
  request: (data: unknown) => isEvent(data) && isRequest(data.request),
  "request.resolved": (data: unknown) => isEvent(data) && hasForm(data.request, REQUEST),
  checkpoint: (data: unknown) => isEvent(data),
  rewind: (data: unknown) => isEvent(data),
  secret: (data: unknown) => isEvent(data) && hasForm(data, { name: "string", host: "string" }),
  network: (data: unknown) => isEvent(data) && hasForm(data, { host: "string", method: "string" }),
  repository: (data: unknown) =>
    isEvent(data) && hasForm(data, { url: "string", path: "string", status: "string" }),
} as const;

const isEvent = (data: unknown): data is Record<string, unknown> =>
  hasForm(data, { seq: "number", turn_id: "string" });
