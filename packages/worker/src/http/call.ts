import { EdgeError, TRACE_HEADER, type TurnResource } from "@claude-edge/protocol";

import type { EventsCall } from "../session/calls.js";
import { credentialOf } from "../egress/credential.js";
import type { Call } from "./contract.js";
import type { Env } from "../env.js";
import { allows } from "./access.js";
import { Account } from "./account.js";
import { commonHeaders } from "../errors.js";
import { accountOf } from "./auth.js";

/** The name of the request's account; `named`: the name in its body. */
export function nameOf(c: Call, named?: string): string {
  const name = accountOf(c.req.raw, c.get("caller"), named);
  c.get("trail").account = name;
  return name;
}

/** Notes the turn that a request is about, for its line in the log. */
export function noteTurn(
  c: Call,
  { id, session_id, error }: Pick<TurnResource, "id" | "session_id" | "error">,
): void {
  Object.assign(c.get("trail"), { session: session_id, turn: id, ...(error ? { error } : {}) });
}

export const stubOf = (c: Call, name: string): Account =>
  new Account(c.env, name, c.get("caller").token, c.get("requestId"));

/** The account of a request without a body. */
export const account = (c: Call): Account => stubOf(c, nameOf(c));

export const json = (c: Call, value: unknown, status = 200): Response =>
  Response.json(value, { status, headers: commonHeaders(c.get("requestId")) });

/** The reader of events. With `callbacks` it runs the session's callbacks: hooks, MCP servers, permissions. */
export function readerOf(c: Call): Pick<EventsCall, "callbacks" | "token"> {
  const { token } = c.get("caller");
  return {
    // A reader that may not answer runs no callbacks: a hook would wait for it as long as it reads.
    callbacks: c.req.query("callbacks") === "true" && (!token || allows(token, "requests:answer")),
    ...(token ? { token: { id: token.id, expiresAt: token.expiresAt } } : {}),
  };
}

/** Whether the caller may list the account's sessions. */
export function maySeeSessions(c: Call): boolean {
  const { token } = c.get("caller");
  return !token || (token.session === undefined && allows(token, "sessions:read"));
}

/** The caller's span. An invalid one is ignored, as W3C Trace Context requires: of zeros, or of version ff. */
export const traceOf = (c: Call): string | undefined =>
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(
    c.req.header(TRACE_HEADER) ?? "",
  )?.[0];

export const wantsStream = (c: Call): boolean =>
  /\btext\/event-stream\b/i.test(c.req.header("accept") ?? "");

export function assertModel(env: Env): void {
  if (credentialOf(env)) return;
  throw new EdgeError("model_not_configured", "This deployment has no model credential.");
}
