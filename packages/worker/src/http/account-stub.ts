import type { AccountDO } from "../account/account-do.js";
import type { Env } from "../env.js";

/** What the HTTP API calls an account for. */
const METHODS = [
  "createSession",
  "getSession",
  "listSessions",
  "updateSession",
  "deleteSession",
  "forkSession",
  "query",
  "createTurn",
  "getTurn",
  "waitForTurn",
  "events",
  "listEvents",
  "interrupt",
  "listRequests",
  "getRequest",
  "answerRequest",
  "control",
  "containerStatus",
  "usage",
  "createToken",
  "listTokens",
  "revokeToken",
] as const;
export type AccountMethod = (typeof METHODS)[number];

/** The AccountDO as it is called: the runtime's own stub type cannot express `unknown` in results. */
export type AccountStub = {
  [Method in AccountMethod]: (
    ...args: Parameters<AccountDO[Method]>
  ) => Promise<Awaited<ReturnType<AccountDO[Method]>>>;
};

interface TokenCalls {
  forToken(token: string, method: AccountMethod, args: unknown[]): Promise<unknown>;
}

/** An account. With a token, each call also asks whether that was revoked: in the same message, for it costs no more. */
export function accountStub(env: Env, name: string, token?: string): AccountStub {
  const stub: unknown = env.ACCOUNT.getByName(name);
  if (token === undefined) return stub as AccountStub;
  const calls = METHODS.map((method) => [
    method,
    (...args: unknown[]) => (stub as TokenCalls).forToken(token, method, args),
  ]);
  return Object.fromEntries(calls) as AccountStub;
}
