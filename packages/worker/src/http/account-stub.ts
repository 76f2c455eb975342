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
  "createMessage",
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
  "limits",
  "updateLimits",
  "beginModelCall",
  "admit",
] as const;
export type AccountMethod = (typeof METHODS)[number];

/** The AccountDO as it is called: the runtime's own stub type cannot express `unknown` in results. */
export type AccountStub = {
  [Method in AccountMethod]: (
    ...args: Parameters<AccountDO[Method]>
  ) => Promise<Awaited<ReturnType<AccountDO[Method]>>>;
};

/** What is asked before a method is called. */
export interface CallerCheck {
  /** Refused when it was revoked. */
  token: string | undefined;
  /** The request's first call: it counts for the account's rate. */
  isFirst: boolean;
}

interface CheckedCalls {
  forCaller(check: CallerCheck, method: AccountMethod, args: unknown[]): Promise<unknown>;
}

/** An account, for one request. What is asked of its caller comes in the same message as the call, for it costs no more. */
export function accountStub(env: Env, name: string, token?: string): AccountStub {
  let isFirst = true;
  const calls = METHODS.map((method) => [
    method,
    (...args: unknown[]) => {
      const check = { token, isFirst };
      isFirst = false;
      // One of its own for each call: it stays broken when its object was reset.
      const stub: unknown = env.ACCOUNT.getByName(name);
      return (stub as CheckedCalls).forCaller(check, method, args);
    },
  ]);
  return Object.fromEntries(calls) as AccountStub;
}
