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
import { jwtVerify, type JWTPayload } from "jose";

/** A token that was signed here and has not expired. Whether it was revoked, its account knows. */
export interface AccountToken {
  id: string;
  account: string;
  scopes: ReadonlySet<Scope>;
  /** The one session it is for. */
  session?: string;
  /** When it ends, milliseconds since 1970; without it, never. */
  expiresAt?: number;
}

/** Ours have some 500 characters, of which an account's name is 128 at most. */
const MAX_TOKEN_CHARS = 2_048;

/** Deriving the key takes longer than checking a token with it. */
let derived: { from: string; key: Promise<CryptoKey> } | undefined;

function keyOf(rootKey: string): Promise<CryptoKey> {
  if (derived?.from !== rootKey) derived = { from: rootKey, key: tokenKey(rootKey, "verify") };
  return derived.key;
}

/** @throws EdgeError `unauthorized` for whatever is not a token of this deployment that holds now. */
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
    // What went wrong may hold the token; only its being late is worth a word of its own.
    const { code, claim } = error as { code?: string; claim?: string };
    const isLate = code === "ERR_JWT_EXPIRED";
    const isEarly = code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && claim === "nbf";
    const message = isLate ? "The token has expired." : "The token does not hold yet.";
    throw new EdgeError("unauthorized", isLate || isEarly ? message : unknown);
  }
}

/**
 * Undefined when a claim is missing or of another form than ours: a hole here would be a way into another account.
 * The types of claims are what jose hopes for; it looks at those of times alone.
 */
function toToken({ sub, jti, iat, exp, scope, sid }: JWTPayload): AccountToken | undefined {
  if (typeof sub !== "string" || !ACCOUNT_NAME.test(sub)) return undefined;
  if (typeof jti !== "string" || !TOKEN_ID.test(jti)) return undefined;
  if (typeof iat !== "number" || typeof scope !== "string") return undefined;
  if (sid !== undefined && (typeof sid !== "string" || !SESSION_ID.test(sid))) return undefined;
  // A scope of a newer version is none here.
  const words = new Set<string>(scope.split(" "));
  const scopes = new Set(SCOPES.filter((name) => words.has(name)));
  return {
    id: jti,
    account: sub,
    scopes,
    ...(sid === undefined ? {} : { session: sid }),
    ...(exp === undefined ? {} : { expiresAt: (exp + TOKEN_LEEWAY_S) * 1000 }),
  };
}

/** The token that a resource is of: it says no more than that, so the same one is always the same token. */
export function writeToken(of: TokenResource, rootKey: string): Promise<string> {
  const { id, account, scopes = [], session_id: sid, created_at, expires_at } = of;
  const seconds = (time: string) => Date.parse(time) / 1000;
  return signToken(rootKey, {
    iss: TOKEN_ISSUER,
    sub: account,
    jti: id,
    iat: seconds(created_at!),
    ...(expires_at === null ? {} : { exp: seconds(expires_at) }),
    scope: scopes.join(" "),
    ...(sid === undefined ? {} : { sid }),
  });
}
