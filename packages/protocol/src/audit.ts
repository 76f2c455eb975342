/** What somebody did. More may come: a reader ignores those that it does not know. */
export type AuditAction =
  | "token.created"
  | "token.revoked"
  | "request.answered"
  | "host.allowed"
  | "limits.changed"
  | "network.changed"
  | "secret.set"
  | "secret.deleted"
  | "webhook.created"
  | "webhook.changed"
  | "webhook.rotated"
  | "webhook.deleted"
  | "session.changed"
  | "session.exported"
  | "session.deleted"
  | "account.erased";

/** Who did it: the holder of the root key or of a token, or the deployment by itself, when a session has expired. */
export type AuditActor = { type: "root_key" | "deployment" } | { type: "token"; id: string };

/** An entry of an account's audit log. It holds no values of secrets, no prompts and no answers. */
export interface AuditEntry {
  /** Grows strictly within an account, not densely: the cursor to read on from. */
  seq: number;
  /** Milliseconds since 1970. */
  at: number;
  action: AuditAction;
  actor: AuditActor;
  /** Of what it was done to: the id of a token, request, session or webhook, the name of a secret or account, a host. */
  target: string;
  /** The session that the target belongs to. */
  session_id?: string;
  /** Of the HTTP request that did it, as in its `x-request-id`. */
  request_id?: string;
  details?: Record<string, unknown>;
}

/** How long entries are kept at least, milliseconds, and how many of an account at the most. */
export const AUDIT_KEPT_MS: number = 90 * 24 * 3_600_000;
export const MAX_AUDIT_ENTRIES = 100_000;

/** The most entries of an answer of `GET /v1/audit`. */
export const MAX_AUDIT_PAGE = 1_000;
