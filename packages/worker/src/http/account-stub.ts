import type { AccountDO } from "../account/account-do.js";
import type { Env } from "../env.js";
import type { Files } from "../workspace/files.js";

/** What the HTTP API calls an account for. */
const METHODS = [
  "createSession",
  "getSession",
  "listSessions",
  "updateSession",
  "deleteSession",
  "forkSession",
  "rewindSession",
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

/** … and for its sessions' files. */
const FILE_METHODS = [
  "listFiles",
  "statFile",
  "openFile",
  "putFile",
  "deleteFile",
  "tarFiles",
  "putTar",
  "diffFiles",
  "listCheckpoints",
] as const;

type OwnMethod = (typeof METHODS)[number];
type FileMethod = (typeof FILE_METHODS)[number];
export type AccountMethod = OwnMethod | FileMethod;

const FILE_METHOD_NAMES: ReadonlySet<string> = new Set(FILE_METHODS);

export const isFileMethod = (method: AccountMethod): method is FileMethod =>
  FILE_METHOD_NAMES.has(method);

type Called<Target, Method extends keyof Target> = Target[Method] extends (
  ...args: infer Args
) => infer Result
  ? (...args: Args) => Promise<Awaited<Result>>
  : never;

/** The AccountDO as it is called: the runtime's own stub type cannot express `unknown` in results. */
export type AccountStub = {
  [Method in OwnMethod]: Called<AccountDO, Method>;
} & {
  [Method in FileMethod]: Called<Files, Method>;
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
  const calls = [...METHODS, ...FILE_METHODS].map((method) => [
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
