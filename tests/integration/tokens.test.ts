import { createHmac, randomUUID } from "node:crypto";

import { expect, describe, test } from "vitest";

import { useStack } from "../support/stack.js";
import {
  all,
  claims,
  FORBIDDEN,
  keyOf,
  outcome,
  part,
  UNAUTHORIZED,
  useTokens,
} from "../support/tokens.js";

const { edge, ask, holder, mint, sign } = useTokens(useStack());

const OK = { status: 200 };

// What is a token, and what is none: packages/worker/src/http/token.test.ts. What it allows: access.test.ts there.

describe("a token", () => {
  test("is minted by the root key and opens its account alone", async () => {
    const account = "tokens";
    const minted = await edge.client().tokens.create({ account, name: "Laptop" });
    const days = (Date.parse(minted.expires_at!) - Date.parse(minted.created_at)) / 86_400_000;
    expect({ ...minted, days }).toMatchObject({
      account,
      name: "Laptop",
      scopes: ["query", "sessions:read", "sessions:write", "requests:answer", "files"],
      days: 90,
    });
    const { sessionId, text } = await holder(minted.token).query("%say Mine.");
    expect(text).toBe("Mine.");
    const sessions = async (of: string) =>
      (await all(edge.client(of).sessions.list())).map(({ id }) => id);
    expect(await sessions(account)).toEqual([sessionId]);
    expect(await sessions("tokens-other")).toEqual([]);
    const other = await mint({ account: "tokens-mallory" });
    expect(await outcome(await ask(other, `/v1/sessions/${sessionId}`))).toMatchObject({
      status: 404,
    });
  });

  test("is the same whoever makes it: the deployment, a backend with the root key, another language", async () => {
    for (const token of [await mint(), sign(claims()), sign(claims({ exp: undefined }))]) {
      expect(await outcome(await ask(token, "/v1/sessions"))).toEqual(OK);
    }
    const [header, body, signature] = (await mint({ account: "ada" })).split(".");
    const expected = createHmac("sha256", keyOf(edge.stack.token)).update(`${header}.${body}`);
    expect(signature).toBe(expected.digest("base64url"));
    expect(JSON.parse(Buffer.from(body!, "base64url").toString())).toMatchObject({
      iss: "claude-edge",
      sub: "ada",
    });
  });

  test("names no account but its own", async () => {
    const token = await mint();
    const query = (accountId: string) => ask(token, "/v1/sessions", { json: { accountId } });
    expect(await outcome(await ask(token, "/v1/sessions", { account: "bob" }))).toMatchObject(
      FORBIDDEN,
    );
    expect(await outcome(await query("bob"))).toMatchObject(FORBIDDEN);
    expect(await outcome(await ask(token, "/v1/sessions", { account: "ada" }))).toEqual(OK);
    expect(await outcome(await query("ada"))).toEqual({ status: 201 });
  });

  test("the same idempotency key gives the same one", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const json = { account: "tokens-twice", name: "once" };
    const answers = [];
    for (let time = 0; time < 2; time += 1) {
      answers.push(await (await edge.fetch("/v1/tokens", { json, headers })).json());
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(await all(edge.client("tokens-twice").tokens.list())).toHaveLength(1);
    const other = await edge.fetch("/v1/tokens", { json: { ...json, name: "other" }, headers });
    expect(await outcome(other)).toMatchObject({ code: "idempotency_conflict" });
  });
});

describe("what is not a token", () => {
  // workerd's own Web Crypto, so not only beside the code.
  test.each<[string, (token: string) => string]>([
    ["a forged signature", (token) => token.slice(0, -2) + (token.at(-2) === "A" ? "BA" : "AA")],
    [
      "more scopes under a true signature",
      (token) => {
        const [header, , signature] = token.split(".");
        return `${header}.${part(claims({ scope: "admin" }))}.${signature}`;
      },
    ],
    ["alg none", () => `${part({ alg: "none", typ: "JWT" })}.${part(claims())}.`],
    ["the root key itself as key", () => sign(claims(), { key: Buffer.from(edge.stack.token) })],
    ["one that has expired", () => sign(claims({ exp: 1_700_000_000 }))],
    ["an account with a slash", () => sign(claims({ sub: "ada/bob" }))],
  ])("%s is refused", async (_what, forge) => {
    const token = forge(await mint());
    expect(await outcome(await ask(token, "/v1/sessions"))).toMatchObject(UNAUTHORIZED);
  });

  test("a token is not read from the address", async () => {
    const token = await mint();
    for (const name of ["token", "access_token", "authorization"]) {
      const answer = await fetch(`${edge.stack.url}/v1/sessions?${name}=${token}`);
      expect(await outcome(answer)).toMatchObject(UNAUTHORIZED);
    }
  });
});

describe("a token of the scope admin", () => {
  test("mints, lists and revokes tokens of its account and of no other", async () => {
    const account = "tokens-admins";
    const admin = holder(await mint({ account, scopes: ["admin"] }));
    const minted = await admin.tokens.create({ scopes: ["query", "query"], expiresIn: "never" });
    expect(minted).toMatchObject({ account, scopes: ["query"], expires_at: null });
    await expect(admin.tokens.create({ account: "bob" })).rejects.toMatchObject({
      code: "forbidden",
      status: 403,
    });
    const { token: _token, ...listed } = minted;
    expect(await all(admin.tokens.list())).toEqual([listed]);
    expect(await admin.tokens.revoke(minted.id)).toMatchObject({ id: minted.id });
    expect(await outcome(await ask(minted.token, "/v1/query", { json: {} }))).toMatchObject({
      status: 400,
    });
    await expect(holder(minted.token).query("%say x")).rejects.toMatchObject({
      code: "unauthorized",
    });
  });

  test("lists many, newest first, page by page", async () => {
    const { tokens } = edge.client("tokens-many");
    const names = Array.from({ length: 60 }, (_, index) => `token ${index}`);
    for (const name of names) await tokens.create({ name, expiresIn: 60 });
    const listed = await all(tokens.list());
    expect(listed.map(({ name }) => name)).toEqual(names.toReversed());
    expect(JSON.stringify(listed)).not.toContain("eyJ");
  });
});

describe("a revoked token", () => {
  test("opens nothing from then on, and others are as they were", async () => {
    const { tokens } = edge.client("ada");
    const [gone, kept] = [await tokens.create(), await tokens.create()];
    const revoked = await tokens.revoke(gone.id);
    expect(Date.parse(revoked.revoked_at!)).toBeGreaterThanOrEqual(Date.parse(gone.created_at));
    expect(await outcome(await ask(gone.token, "/v1/sessions"))).toMatchObject({
      ...UNAUTHORIZED,
      message: "The token was revoked.",
    });
    expect(await outcome(await ask(kept.token, "/v1/sessions"))).toEqual(OK);
    expect(await tokens.revoke(gone.id)).toEqual(revoked);
  });

  test("was minted by a backend: its id is enough, in its own account", async () => {
    const [id, account] = [randomUUID(), "tokens-offline"];
    const token = await mint({ account, id });
    await edge.client("tokens-elsewhere").tokens.revoke(id);
    expect(await outcome(await ask(token, "/v1/sessions"))).toEqual(OK);
    const revoked = await edge.client(account).tokens.revoke(id);
    expect(revoked).toEqual({
      id,
      account,
      expires_at: null,
      revoked_at: expect.any(String),
    });
    expect(await outcome(await ask(token, "/v1/sessions"))).toMatchObject(UNAUTHORIZED);
    expect(await all(edge.client(account).tokens.list())).toEqual([revoked]);
  });

  test("ends what is being read with it", async () => {
    const owner = edge.client("tokens-reader");
    const { token, id } = await owner.tokens.create();
    const session = await owner.sessions.create();
    const streams = await Promise.all(
      ["", "?callbacks=true"].map((query) =>
        ask(token, `/v1/sessions/${session.id}/events${query}`, {
          headers: { accept: "text/event-stream" },
        }),
      ),
    );
    const ends = streams.map((stream) => stream.text());
    await owner.tokens.revoke(id);
    expect(await Promise.all(ends)).toEqual(["", ""]);
    const turn = holder(token).sessions.open(session.id).send("%say x");
    await expect(turn).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("is not revoked by the token itself in the address", async () => {
    const token = await mint({ account: "tokens-misuse" });
    const remove = { method: "DELETE", account: "tokens-misuse" };
    const answer = await outcome(await edge.fetch(`/v1/tokens/${token}`, remove));
    expect(answer).toMatchObject({ code: "invalid_request" });
    expect(JSON.stringify(answer)).not.toContain(token);
  });
});
