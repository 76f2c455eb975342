/**
 * Minting account tokens without asking the deployment: for a team's backend that holds the root key and hands its
 * users tokens of their own. Kept apart from the rest, for a program that does so need not be a client.
 */
import {
  ACCOUNT_NAME,
  clientError,
  DEFAULT_SCOPES,
  MAX_TOKEN_LIFE_S,
  MIN_ROOT_KEY_CHARS,
  SCOPES,
  SESSION_ID,
  signToken,
  TOKEN_ID,
  TOKEN_ISSUER,
  TOKEN_LIFE_S,
  type Scope,
} from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "./errors.js";

export type { Scope };

/** What {@link mintToken} is given. */
export interface MintTokenOptions {
  /** The deployment's CLAUDE_EDGE_ROOT_KEY. */
  rootKey: string;
  /** The account it is for: 1 to 128 letters, digits, dots, dashes or underscores. */
  account: string;
  /** What it allows; all but `admin` without them. */
  scopes?: readonly Scope[] | undefined;
  /** How long it holds, seconds, or `never` to end; 90 days without it. */
  expiresIn?: number | "never" | undefined;
  /** The one session it is for: a UUID, lower case. */
  sessionId?: string | undefined;
  /** What it can be revoked by, up to 64 letters, digits, dashes or underscores; a fresh UUID without it. */
  id?: string | undefined;
}

/**
 * Mints an account token, with WebCrypto and nothing else. The deployment learns of it when it is used, so it is in no
 * list; `edge.tokens.revoke(id)` revokes it all the same.
 * @throws ClaudeEdgeError `invalid_request` for anything that the deployment would not take.
 */
export async function mintToken({
  rootKey,
  account,
  scopes = DEFAULT_SCOPES,
  expiresIn = TOKEN_LIFE_S,
  sessionId: sid,
  id = crypto.randomUUID(),
}: MintTokenOptions): Promise<string> {
  const isLife = Number.isInteger(expiresIn) && Number(expiresIn) > 0;
  assert(
    rootKey.length >= MIN_ROOT_KEY_CHARS,
    `rootKey: must have ${MIN_ROOT_KEY_CHARS} characters, or whoever holds a token could find it out.`,
  );
  assert(
    ACCOUNT_NAME.test(account),
    "account: must be 1 to 128 letters, digits, dots, dashes or underscores.",
  );
  assert(
    scopes.length > 0 && scopes.every((scope) => SCOPES.includes(scope)),
    `scopes: must be some of ${SCOPES.join(", ")}.`,
  );
  assert(
    expiresIn === "never" || (isLife && expiresIn <= MAX_TOKEN_LIFE_S),
    `expiresIn: must be a whole number of seconds up to ${MAX_TOKEN_LIFE_S}, or "never".`,
  );
  assert(sid === undefined || SESSION_ID.test(sid), "sessionId: must be a lower-case UUID.");
  assert(TOKEN_ID.test(id), "id: must be 1 to 64 letters, digits, dashes or underscores.");
  const iat = Math.floor(Date.now() / 1000);
  return signToken(rootKey, {
    iss: TOKEN_ISSUER,
    sub: account,
    jti: id,
    iat,
    ...(expiresIn === "never" ? {} : { exp: iat + expiresIn }),
    scope: [...new Set(scopes)].join(" "),
    ...(sid === undefined ? {} : { sid }),
  });
}

function assert(holds: boolean, message: string): asserts holds {
  if (!holds) throw new ClaudeEdgeError(clientError("invalid_request", message));
}
