import { EdgeError, TRACE_HEADER } from "@claude-edge/protocol";
import type { Context } from "hono";

import type { EventsCall } from "../account/account-do.js";
import { credentialOf } from "../credential.js";
import type { Dialect } from "../dialects/dialect.js";
import type { Env } from "../env.js";
import { allows } from "./access.js";
import { accountStub, type AccountStub } from "./account-stub.js";
import { commonHeaders } from "./answers.js";
import { accountOf, type Caller } from "./auth.js";

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    caller: Caller;
    /** The body, once it was read. */
    body: string | undefined;
    /** Whose words an error answer is in: the dialect that has taken the request. */
    dialect: Dialect | undefined;
  };
}

/** A request as handlers see it. */
export type Call = Context<AppEnv>;

/** The name of the account that a request is for; `named`: by its body. */
export const nameOf = (c: Call, named?: string): string =>
  accountOf(c.req.raw, c.get("caller"), named);

export const stubOf = (c: Call, name: string): AccountStub =>
  accountStub(c.env, name, c.get("caller").token?.id);

/** The account that a request without a body is for. */
export const account = (c: Call): AccountStub => stubOf(c, nameOf(c));

export const json = (c: Call, value: unknown, status = 200): Response =>
  Response.json(value, { status, headers: commonHeaders(c.get("requestId")) });

/** Who reads events; with `callbacks` it runs the session's callbacks: hooks, MCP servers, permissions. */
export function readerOf(c: Call): Pick<EventsCall, "callbacks" | "token"> {
  const { token } = c.get("caller");
  return {
    // Whoever cannot answer is no caller: a hook would wait for it as long as it reads.
    callbacks: c.req.query("callbacks") === "true" && (!token || allows(token, "requests:answer")),
    ...(token ? { token: { id: token.id, expiresAt: token.expiresAt } } : {}),
  };
}

/** The caller's span; one that cannot be read is left out, as W3C says. */
export const traceOf = (c: Call): string | undefined =>
  /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(c.req.header(TRACE_HEADER) ?? "")?.[0];

export const wantsStream = (c: Call): boolean =>
  /\btext\/event-stream\b/i.test(c.req.header("accept") ?? "");

export function assertModel(env: Env): void {
  if (credentialOf(env)) return;
  throw new EdgeError("model_not_configured", "This deployment has no model credential.");
}
