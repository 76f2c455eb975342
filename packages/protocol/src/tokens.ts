/** What a token may be allowed. `admin` holds all the others, and minting and revoking tokens of its account. */
export const SCOPES = [
  "query",
  "sessions:read",
  "sessions:write",
  "requests:answer",
  "files",
  "admin",
] as const;
/**
 * What a token allows: to send prompts (`query`), to read sessions, to change them, to answer requests, the files, or
 * everything with the account's tokens too (`admin`).
 */
export type Scope = (typeof SCOPES)[number];

/** What a token is allowed that is minted without scopes: all but the account's tokens. */
export const DEFAULT_SCOPES: readonly Scope[] = /* @__PURE__ */ SCOPES.filter(
  (scope) => scope !== "admin",
);

/** How long a token holds that is minted without a time: 90 days, seconds. */
export const TOKEN_LIFE_S = 7_776_000;

/** The longest time that a token can be minted for, short of for ever: ten years, seconds. */
export const MAX_TOKEN_LIFE_S = 315_360_000;

/** How far the clocks of whoever mints and of the deployment may be apart, seconds. */
export const TOKEN_LEEWAY_S = 30;

/** A root key must be this long, in characters, for tokens to be minted: whoever holds a token can try to guess it. */
export const MIN_ROOT_KEY_CHARS = 32;

/** The form of an account's name; ASCII only, so that no two of them look alike. */
export const ACCOUNT_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The form of a token's id. */
export const TOKEN_ID: RegExp = /^[A-Za-z0-9_-]{1,64}$/;

/** The form of a session's id: a UUID, lower case, so that one id has one spelling. */
export const SESSION_ID: RegExp = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The issuer of every token. */
export const TOKEN_ISSUER = "claude-edge";

/** What an account token says (JWT). Times are seconds since 1970. */
export interface TokenClaims {
  iss: typeof TOKEN_ISSUER;
  /** The account. */
  sub: string;
  /** The token's id: what it is revoked by. */
  jti: string;
  iat: number;
  /** Without it the token holds until it is revoked. */
  exp?: number;
  /** Scopes, with blanks between them. */
  scope: string;
  /** The one session it is for. */
  sid?: string;
  /** The one request of that session that it is for. */
  rid?: string;
}

const encoder = /* @__PURE__ */ new TextEncoder();

/**
 * The key that tokens are signed with (HS256), made from the deployment's root key: whoever learns it can mint, but
 * does not hold the root key.
 */
export async function tokenKey(rootKey: string, usage: "sign" | "verify"): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey("raw", encoder.encode(rootKey), "HKDF", false, [
    "deriveKey",
  ]);
  const info = encoder.encode("claude-edge account tokens v1");
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    secret,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    [usage],
  );
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** Signs a token. */
export async function signToken(rootKey: string, claims: TokenClaims): Promise<string> {
  const key = await tokenKey(rootKey, "sign");
  const signed = [{ alg: "HS256", typ: "JWT" }, claims]
    .map((part) => base64url(encoder.encode(JSON.stringify(part))))
    .join(".");
  const signature = await crypto.subtle.sign("HMAC", key, encoder.encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}
