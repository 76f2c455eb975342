/** How tokens are signed, once more and apart from the code: other languages do it by this. */
import { createHmac, hkdfSync, randomUUID } from "node:crypto";

export const keyOf = (rootKey: string): Buffer =>
  Buffer.from(hkdfSync("sha256", rootKey, "", "claude-edge account tokens v1", 32));

export const part = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

export const now = (): number => Math.floor(Date.now() / 1000);

/** The claims of a good token for the account `ada`, but for what is changed. */
export const claims = (changed: object = {}): object => ({
  iss: "claude-edge",
  sub: "ada",
  jti: randomUUID(),
  iat: now(),
  exp: now() + 600,
  scope: "query sessions:read sessions:write requests:answer",
  ...changed,
});

/** What is other than in a good token. */
export interface Signing {
  header?: object;
  key?: Buffer;
  hash?: string;
}

/** A token of any claims. */
export function signWith(
  rootKey: string,
  of: object,
  { header = { alg: "HS256", typ: "JWT" }, key = keyOf(rootKey), hash = "sha256" }: Signing = {},
): string {
  const signed = `${part(header)}.${part(of)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`;
}
