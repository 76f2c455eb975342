import type { AuditActor, UpdateSessionRequest } from "@claude-edge/protocol";

import type { Actor, AuditNotice } from "./account-port.js";

/** The caller as an entry of the audit log has it; the deployment itself without one. */
export const auditActor = (actor: Actor | undefined): AuditActor =>
  actor?.token === undefined
    ? { type: actor ? "root_key" : "deployment" }
    : { type: "token", id: actor.token };

type AuditedAction = Pick<AuditNotice, "action" | "target" | "details">;

interface AuditedSession {
  readonly isEphemeral: boolean;
  readonly outbox: { add(notice: AuditNotice): void };
}

/**
 * Tells the account what a caller did. Call it in the transaction of the change. Sessions of the Messages API are in no
 * list, and in no audit log.
 * @param actor The caller; undefined for the deployment itself.
 */
export function audit(
  { isEphemeral, outbox }: AuditedSession,
  actor: Actor | undefined,
  done: AuditedAction,
): void {
  if (isEphemeral) return;
  const { requestId } = actor ?? {};
  outbox.add({ kind: "audit", at: Date.now(), actor: auditActor(actor), requestId, ...done });
}

/** What goes out of a session, as the audit log has it. */
export const exported = (session: string, what: "session" | "transcript"): AuditedAction => ({
  action: "session.exported",
  target: session,
  details: { what },
});

/** Tells the account what of a session a caller changes: all but what it is called. Call it in the transaction. */
export function auditChange(
  session: AuditedSession & { readonly id: string },
  actor: Actor | undefined,
  request: UpdateSessionRequest,
): void {
  const fields = auditedFields(request);
  if (fields.length === 0) return;
  audit(session, actor, { action: "session.changed", target: session.id, details: { fields } });
}

const auditedFields = ({
  accountId: _account,
  title: _title,
  tags: _tags,
  options = {},
  ...rest
}: UpdateSessionRequest): string[] => [
  ...Object.keys(rest),
  ...Object.keys(options).map((name) => `options.${name}`),
];
