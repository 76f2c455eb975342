import {
  ACCOUNT_NAME,
  EdgeError,
  SCOPES,
  SESSION_ID,
  signToken,
  TOKEN_ID,
  TOKEN_ISSUER,
  TOKEN_LEEWAY_S,
  tokenKey,
  type Scope,
  type TokenResource,
} from "@claude-edge/protocol";
import { sessionOfRequest } from "@claude-edge/protocol/runner";
import { jwtVerify, type JWTPayload } from "jose";

/** A verified token that has not expired. Revocation is checked by its account. */
export interface AccountToken {
  id: string;
  account: string;
  scopes: ReadonlySet<Scope>;
  /** Milliseconds since 1970. */
  issuedAt: number;
  /** The only session it may access. */
  session?: string;
  /** The only request that it may be used for, one of that session. */
  request?: string;
  /** When it expires, milliseconds since 1970; never if undefined. */
  expiresAt?: number;
}

/** Real tokens have about 500 characters. */
const MAX_TOKEN_CHARS = 2_048;

/** Cached, because deriving the key takes longer than verifying a token with it. */
let cached: { rootKey: string; key: Promise<CryptoKey> } | undefined;

function keyOf(rootKey: string): Promise<CryptoKey> {
  if (cached?.rootKey !== rootKey) cached = { rootKey, key: tokenKey(rootKey, "verify") };
  return cached.key;
}

/** @throws EdgeError `unauthorized` for anything but a currently valid token of this deployment. */
export async function readToken(given: string, rootKey: string): Promise<AccountToken> {
  const token = toToken(await verify(given, rootKey));
  if (!token) throw new EdgeError("unauthorized", "The token does not say what it must.");
  return token;
}

async function verify(given: string, rootKey: string): Promise<JWTPayload> {
  const unknown = "The key is not this deployment's, nor a token of it.";
  if (given.length > MAX_TOKEN_CHARS) throw new EdgeError("unauthorized", unknown);
  try {
    const { payload } = await jwtVerify(given, await keyOf(rootKey), {
      algorithms: ["HS256"],
      issuer: TOKEN_ISSUER,
      clockTolerance: TOKEN_LEEWAY_S,
    });
    return payload;
  } catch (error) {
    // The cause may contain the token, so it is not passed on. Only validity times get a message of their own.
    const { code, claim } = error as { code?: string; claim?: string };
    const isLate = code === "ERR_JWT_EXPIRED";
    const isEarly = code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && claim === "nbf";
    const message = isLate ? "The token has expired." : "The token does not hold yet.";
    throw new EdgeError("unauthorized", isLate || isEarly ? message : unknown);
  }
}

/**
 * Validates the claims; undefined if one is missing or malformed. This guards access to other accounts. jose declares
 * types for all claims but checks only those of times.
 */
function toToken({ sub, jti, iat, exp, scope, sid, rid }: JWTPayload): AccountToken | undefined {
  if (typeof sub !== "string" || !ACCOUNT_NAME.test(sub)) return undefined;
  if (typeof jti !== "string" || !TOKEN_ID.test(jti)) return undefined;
  if (typeof iat !== "number" || typeof scope !== "string") return undefined;
  if (sid !== undefined && (typeof sid !== "string" || !SESSION_ID.test(sid))) return undefined;
  if (rid !== undefined && (typeof rid !== "string" || sessionOfRequest(rid) !== sid))
    return undefined;
  if (rid !== undefined && sid === undefined) return undefined;
  // Unknown scopes, of a newer version, are ignored.
  const words = new Set<string>(scope.split(" "));
  const scopes = new Set(SCOPES.filter((name) => words.has(name)));
  return {
    id: jti,
    account: sub,
    scopes,
    issuedAt: iat * 1000,
    ...(sid === undefined ? {} : { session: sid }),
    ...(rid === undefined ? {} : { request: rid as string }),
    ...(exp === undefined ? {} : { expiresAt: (exp + TOKEN_LEEWAY_S) * 1000 }),
  };
}

/** Signs the token of a resource. Deterministic: the same resource gives the same token. */
export function writeToken(of: TokenResource, rootKey: string): Promise<string> {
  const { id, account, scopes = [], session_id: sid, request_id: rid } = of;
  const { created_at, expires_at } = of;
  const seconds = (time: string) => Date.parse(time) / 1000;
  return signToken(rootKey, {
    iss: TOKEN_ISSUER,
    sub: account,
    jti: id,
    iat: seconds(created_at!),
    ...(expires_at === null ? {} : { exp: seconds(expires_at) }),
    scope: scopes.join(" "),
    ...(sid === undefined ? {} : { sid }),
    ...(rid === undefined ? {} : { rid }),
  });
}
