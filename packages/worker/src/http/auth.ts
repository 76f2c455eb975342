import {
  ACCOUNT_HEADER,
  accountName,
  EdgeError,
  MIN_ROOT_KEY_CHARS,
  TOKEN_PROTOCOL,
} from "@claude-edge/protocol";

import type { Env } from "../env.js";
import { readToken, type AccountToken } from "./token.js";
import { isUpgrade, protocolsOf } from "./web-socket.js";

/** The account of a root key's request that names none. */
const DEFAULT_ACCOUNT = "default";

/** The caller: the holder of an account token, or of the root key if there is no token. */
export interface Caller {
  token?: AccountToken;
}

const encoder = new TextEncoder();

async function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", encoder.encode(text));
}

/** Compares in constant time. Digests have equal lengths. */
async function sameSecret(left: string, right: string): Promise<boolean> {
  return crypto.subtle.timingSafeEqual(await digest(left), await digest(right));
}

/** @throws EdgeError `not_configured` when the deployment has no key. */
export function rootKeyOf(env: Env): string {
  if (env.CLAUDE_EDGE_ROOT_KEY) return env.CLAUDE_EDGE_ROOT_KEY;
  throw new EdgeError("not_configured", "This deployment has no key yet, so it serves nothing.");
}

/**
 * Authenticates a request by the root key or a token. Clients of the Messages API send it as `x-api-key`, which is
 * ignored if there is an `Authorization` header.
 * @throws EdgeError `not_configured`, `unauthorized`.
 */
export async function authenticate({ headers }: Request, env: Env): Promise<Caller> {
  const rootKey = rootKeyOf(env);
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const given = headers.has("authorization")
    ? bearer
    : (headers.get("x-api-key") ?? tokenOfSocket(headers));
  if (!given) throw new EdgeError("unauthorized", "The request carries no key.");
  if (await sameSecret(given, rootKey)) return {};
  return { token: await readToken(given, rootKey) };
}

/** The token of a WebSocket from a browser, which can send it in no other header. */
function tokenOfSocket(headers: Headers): string | undefined {
  if (!isUpgrade(headers)) return undefined;
  const offered = protocolsOf(headers).find((name) => name.startsWith(TOKEN_PROTOCOL));
  return offered?.slice(TOKEN_PROTOCOL.length);
}

/** The root key, if it is long enough to sign tokens. @throws EdgeError `not_configured`. */
export function signingKey(env: Env): string {
  const rootKey = env.CLAUDE_EDGE_ROOT_KEY ?? "";
  if (rootKey.length >= MIN_ROOT_KEY_CHARS) return rootKey;
  const message = `CLAUDE_EDGE_ROOT_KEY is shorter than ${MIN_ROOT_KEY_CHARS} characters: whoever holds a token of it could find it out.`;
  throw new EdgeError("not_configured", message);
}

/**
 * The account of a request: the token's, or for the root key the one named in the header or the body, which must agree.
 * @throws EdgeError `invalid_request`, `forbidden` when a token names another account than its own.
 */
export function accountOf(request: Request, { token }: Caller, fromBody?: string): string {
  const fromHeader = request.headers.get(ACCOUNT_HEADER) ?? undefined;
  if (fromHeader !== undefined && !accountName.safeParse(fromHeader).success) {
    const form = "must be 1 to 128 letters, digits, dots, dashes or underscores";
    throw new EdgeError("invalid_request", `${ACCOUNT_HEADER}: ${form}.`);
  }
  if (fromHeader !== undefined && fromBody !== undefined && fromHeader !== fromBody) {
    throw new EdgeError(
      "invalid_request",
      `${ACCOUNT_HEADER} and accountId name different accounts.`,
    );
  }
  const named = fromHeader ?? fromBody;
  if (!token) return named ?? DEFAULT_ACCOUNT;
  if (named !== undefined && named !== token.account) {
    const message = `The token is for account ${token.account}; only the root key may name another.`;
    throw new EdgeError("forbidden", message, { account: token.account });
  }
  return token.account;
}
