import { mintToken } from "@claude-edge/client/tokens";
import { expect, test } from "vitest";

import { deployment, failureOf, HEADERS, requests } from "./deployment.js";

const rootKey = "a-root-key-of-thirty-two-characters-or-more";
const json = { ...HEADERS, "content-type": "application/json" };
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as Record<string, unknown>;

test("a minted token says what it was asked to, and no more", async () => {
  const { iat, exp, jti, ...rest } = claimsOf(await mintToken({ rootKey, account: "ada" }));
  expect(rest).toEqual({
    iss: "claude-edge",
    sub: "ada",
    scope: "query sessions:read sessions:write requests:answer files",
  });
  expect(Math.abs(Number(iat) - Date.now() / 1000)).toBeLessThan(60);
  expect(Number(exp) - Number(iat)).toBe(90 * 24 * 60 * 60);
  expect(jti).toMatch(/^[0-9a-f-]{36}$/);

  const sessionId = "6ff168f4-104f-4591-9476-c83ee836d8ac";
  const whole = { id: "mine", scopes: ["query", "query"], expiresIn: 60, sessionId } as const;
  const chosen = claimsOf(await mintToken({ rootKey, account: "ada", ...whole }));
  expect(chosen).toMatchObject({ jti: "mine", scope: "query", sid: sessionId });
  expect(Number(chosen.exp) - Number(chosen.iat)).toBe(60);
  const endless = claimsOf(await mintToken({ rootKey, account: "ada", expiresIn: "never" }));
  expect(endless).not.toHaveProperty("exp");
});

test("a token is never put into an address, and an answer without one is none", async () => {
  const token = await mintToken({ rootKey, account: "ada" });
  const edge = await deployment((response) =>
    response.writeHead(200, json).end(JSON.stringify({ id: "a", account: "ada" })),
  );
  for (const id of [token, "", "../sessions", "a b"]) {
    const failure = await failureOf(edge.tokens.revoke(id));
    expect(failure).toMatchObject({ code: "invalid_request" });
    expect(failure!.message).not.toContain(token);
  }
  expect(requests).toEqual([]);
  expect(await failureOf(edge.tokens.create())).toMatchObject({ code: "protocol_error" });
  expect(requests.map(({ method, url, key }) => [method, url, typeof key])).toEqual([
    ["POST", "/v1/tokens", "string"],
  ]);
});

test("usage asks for what was named", async () => {
  const edge = await deployment((response) =>
    response.writeHead(200, json).end(JSON.stringify({ account: "ada", total: {} })),
  );
  await edge.usage();
  await edge.usage({ from: "2026-11-01", to: "2026-11-30&x=y", group: "day" });
  expect(requests.map(({ url }) => url)).toEqual([
    "/v1/usage?",
    "/v1/usage?from=2026-11-01&to=2026-11-30%26x%3Dy&group=day",
  ]);
  const odd = await deployment((response) => response.writeHead(200, json).end("[]"));
  expect(await failureOf(odd.usage())).toMatchObject({ code: "protocol_error" });
});
