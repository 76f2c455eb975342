import { expect, test } from "vitest";

import { mintToken, type MintTokenOptions } from "./mint-token.js";

const rootKey = "a-root-key-of-more-than-thirty-two-characters";

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as Record<string, unknown>;

test("it says what it was asked to, and no more", async () => {
  const before = Math.floor(Date.now() / 1000);
  const claims = claimsOf(await mintToken({ rootKey, account: "ada" }));
  const iat = Number(claims.iat);
  expect(iat).toBeGreaterThanOrEqual(before);
  expect(claims).toEqual({
    iss: "claude-edge",
    sub: "ada",
    jti: expect.any(String),
    iat,
    exp: iat + 90 * 86_400,
    scope: "query sessions:read sessions:write requests:answer files",
  });
  const sessionId = "6ff168f4-104f-4591-9476-c83ee836d8ac";
  const scopes = ["query", "admin", "query"] as const;
  const rest = { scopes, expiresIn: "never", sessionId, id: "an-id" } as const;
  const all = claimsOf(await mintToken({ rootKey, account: "ada", ...rest }));
  expect(all).toMatchObject({ jti: "an-id", scope: "query admin", sid: sessionId });
  expect(all).not.toHaveProperty("exp");
});

test.each<[string, Partial<MintTokenOptions>]>([
  ["a short root key", { rootKey: "hunter2" }],
  ["an account with a slash", { account: "a/b" }],
  ["no account", { account: "" }],
  ["no scope", { scopes: [] }],
  ["an unknown scope", { scopes: ["root" as "admin"] }],
  ["no time", { expiresIn: 0 }],
  ["a time that is none", { expiresIn: Number.NaN }],
  ["half a second", { expiresIn: 0.5 }],
  ["a time past all measure", { expiresIn: 1e12 }],
  ["a session that is none", { sessionId: "x" }],
  ["an id with blanks", { id: "a b" }],
])("it is not minted for %s, which is not told", async (_what, options) => {
  const failure = await mintToken({ rootKey, account: "ada", ...options }).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ code: "invalid_request" });
  expect(String(failure)).not.toContain("hunter2");
  expect(String(failure)).not.toContain(rootKey);
});
