import { createHmac, randomUUID } from "node:crypto";

import { ClaudeEdge } from "@claude-edge/client";
import type { MintTokenOptions } from "@claude-edge/client/tokens";
import { startLocal } from "@claude-edge/local";
import { TOKEN_LEEWAY_S } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { TEMPLATE } from "../support/stack.js";
import {
  all,
  claims,
  FORBIDDEN,
  keyOf,
  now,
  outcome,
  part,
  UNAUTHORIZED,
  useTokens,
} from "../support/tokens.js";
import { until } from "../support/wait.js";

let printed = "";
const { edge, ask, holder, mint, sign } = useTokens((_source, text) => void (printed += text));

const OK = { status: 200 };

describe("a token", () => {
  test("is minted by the root key and opens its account alone", async () => {
    const minted = await edge.client().tokens.create({ account: "grace", name: "Laptop" });
    const days = (Date.parse(minted.expires_at!) - Date.parse(minted.created_at)) / 86_400_000;
    expect({ ...minted, days }).toMatchObject({
      account: "grace",
      name: "Laptop",
      scopes: ["query", "sessions:read", "sessions:write", "requests:answer", "files"],
      days: 90,
    });
    const { sessionId, text } = await holder(minted.token).query("%say Mine.");
    expect(text).toBe("Mine.");
    const sessions = async (account: string) =>
      (await all(edge.client(account).sessions.list())).map(({ id }) => id);
    expect(await sessions("grace")).toEqual([sessionId]);
    expect(await sessions("default")).toEqual([]);
    const other = await mint({ account: "mallory" });
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
    expect(await outcome(await query("Ada"))).toMatchObject(FORBIDDEN);
    expect(await outcome(await ask(token, "/v1/sessions", { account: "ada" }))).toEqual(OK);
    expect(await outcome(await query("ada"))).toEqual({ status: 201 });
    expect(await outcome(await ask(token, "/v1/sessions", { account: "a/b" }))).toMatchObject({
      code: "invalid_request",
    });
  });

  test.each([
    ["no time", { expires_in: 0 }],
    ["a time past all measure", { expires_in: 1e12 }],
    ["half a second", { expires_in: 0.5 }],
    ["a time in words", { expires_in: "soon" }],
    ["no scope", { scopes: [] }],
    ["an unknown scope", { scopes: ["root"] }],
    ["a session that is none", { session_id: "../etc" }],
    ["an account that is none", { account: "a/b" }],
    ["a field that is none", { expires: "30d" }],
  ])("is not minted for %s", async (_what, json) => {
    const answer = await edge.fetch("/v1/tokens", { json });
    expect(await outcome(answer)).toMatchObject({ status: 400, code: "invalid_request" });
  });

  test.each<[string, Partial<MintTokenOptions>]>([
    ["a short root key", { rootKey: "hunter2" }],
    ["an account with a slash", { account: "a/b" }],
    ["no account", { account: "" }],
    ["no scope", { scopes: [] }],
    ["an unknown scope", { scopes: ["root" as "admin"] }],
    ["no time", { expiresIn: 0 }],
    ["a time that is none", { expiresIn: Number.NaN }],
    ["a session that is none", { sessionId: "x" }],
    ["an id with blanks", { id: "a b" }],
  ])("is not minted by a backend for %s, which is not told", async (_what, options) => {
    const failure = await mint(options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "invalid_request" });
    expect(String(failure)).not.toContain("hunter2");
    expect(String(failure)).not.toContain(edge.stack.token);
  });

  test("the same idempotency key gives the same one", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const json = { account: "twice", name: "once" };
    const answers = [];
    for (let time = 0; time < 2; time += 1) {
      answers.push(await (await edge.fetch("/v1/tokens", { json, headers })).json());
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(await all(edge.client("twice").tokens.list())).toHaveLength(1);
    const other = await edge.fetch("/v1/tokens", { json: { ...json, name: "other" }, headers });
    expect(await outcome(other)).toMatchObject({ code: "idempotency_conflict" });
  });
});

describe("what is not a token", () => {
  const flipped = (token: string) =>
    token.slice(0, -2) + (token.at(-2) === "A" ? "B" : "A") + token.at(-1);
  const withBody = async (changed: object) => {
    const [header, , signature] = (await mint()).split(".");
    return `${header}.${part(claims(changed))}.${signature}`;
  };
  const unsigned = (alg: string) => `${part({ alg, typ: "JWT" })}.${part(claims())}.`;

  test.each<[string, () => string | Promise<string>]>([
    ["a forged signature", async () => flipped(await mint())],
    ["another account under a true signature", () => withBody({ sub: "bob" })],
    ["more scopes under a true signature", () => withBody({ scope: "admin" })],
    ["alg none", () => unsigned("none")],
    ["alg None", () => unsigned("None")],
    [
      "alg none with a true signature",
      () => sign(claims(), { header: { alg: "none", typ: "JWT" } }),
    ],
    ["no signature", async () => (await mint()).split(".").slice(0, 2).join(".") + "."],
    ["HS512", () => sign(claims(), { header: { alg: "HS512", typ: "JWT" }, hash: "sha512" })],
    ["RS256 in name", () => sign(claims(), { header: { alg: "RS256", typ: "JWT" } })],
    ["another root key", () => mint({ rootKey: "another-root-key-of-the-same-length-or-so" })],
    ["the root key itself as key", () => sign(claims(), { key: Buffer.from(edge.stack.token) })],
    ["an empty key", () => sign(claims(), { key: Buffer.alloc(32) })],
    ["one that has expired", () => sign(claims({ exp: now() - 61 }))],
    ["one that does not hold yet", () => sign(claims({ nbf: now() + 61 }))],
    ["a time that is text", () => sign(claims({ exp: "never" }))],
    ["another issuer", () => sign(claims({ iss: "someone-else" }))],
    ["no issuer", () => sign(claims({ iss: undefined }))],
    ["no account", () => sign(claims({ sub: undefined }))],
    ["an account of the wrong type", () => sign(claims({ sub: ["ada"] }))],
    ["an account with a slash", () => sign(claims({ sub: "ada/bob" }))],
    ["an account with dots first", () => sign(claims({ sub: "../ada" }))],
    ["an account with a look-alike", () => sign(claims({ sub: "аda" }))],
    ["an account with a zero behind it", () => sign(claims({ sub: "ada\0" }))],
    ["an account with a line behind it", () => sign(claims({ sub: "ada\n" }))],
    ["an account without end", () => sign(claims({ sub: "a".repeat(129) }))],
    ["no id", () => sign(claims({ jti: undefined }))],
    ["an id of another form", () => sign(claims({ jti: "' OR 1=1" }))],
    ["a session that is none", () => sign(claims({ sid: "" }))],
    ["a session of the wrong type", () => sign(claims({ sid: null }))],
    ["scopes of the wrong type", () => sign(claims({ scope: ["admin"] }))],
    ["a huge one", () => sign(claims({ filler: "x".repeat(8_000) }))],
    ["dots", () => ".."],
  ])("%s is refused", async (_what, token) => {
    expect(await outcome(await ask(await token(), "/v1/sessions"))).toMatchObject(UNAUTHORIZED);
  });

  test("a token is not read from the address", async () => {
    const token = await mint();
    for (const name of ["token", "access_token", "authorization"]) {
      const answer = await fetch(`${edge.stack.url}/v1/sessions?${name}=${token}`);
      expect(await outcome(answer)).toMatchObject(UNAUTHORIZED);
    }
  });

  test("clocks may be apart by half a minute and no more", async () => {
    const expired = (seconds: number) =>
      ask(sign(claims({ exp: now() - seconds })), "/v1/sessions");
    expect(await outcome(await expired(20))).toEqual(OK);
    const answer = await outcome(await expired(35));
    expect(answer).toMatchObject({ ...UNAUTHORIZED, message: "The token has expired." });
  });
});

describe("a token of the scope admin", () => {
  test("mints, lists and revokes tokens of its account and of no other", async () => {
    const admin = holder(await mint({ account: "admins", scopes: ["admin"] }));
    const minted = await admin.tokens.create({ scopes: ["query", "query"], expiresIn: "never" });
    expect(minted).toMatchObject({ account: "admins", scopes: ["query"], expires_at: null });
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
    const { tokens } = edge.client("many");
    const names = Array.from({ length: 60 }, (_, index) => `token ${index}`);
    for (const name of names) await tokens.create({ name, expiresIn: 60 });
    const listed = await all(tokens.list());
    expect(listed.map(({ name }) => name)).toEqual(names.toReversed());
    expect(JSON.stringify(listed)).not.toContain("eyJ");
    for (const cursor of ["x", "-1", "1e3"]) {
      const answer = await edge.fetch(`/v1/tokens?cursor=${cursor}`);
      expect(await outcome(answer)).toMatchObject({ code: "invalid_request" });
    }
  });
});

test("a token that expires ends what is being read with it", async () => {
  const owner = edge.client("expiring");
  const session = await owner.sessions.create();
  // It holds for as long as clocks may be apart, of which a few seconds are left.
  const token = sign(claims({ sub: "expiring", exp: now() - TOKEN_LEEWAY_S + 3 }));
  const headers = { accept: "text/event-stream" };
  const stream = await ask(token, `/v1/sessions/${session.id}/events`, { headers });
  const read = stream.text().catch(() => "");
  const isOver = () =>
    Promise.race([read.then(() => true), session.send("%say x").then(() => false)]);
  await until("the stream has ended", isOver, 10_000);
  expect(await read).toContain('"status":"queued"');
  expect(await outcome(await ask(token, "/v1/sessions"))).toMatchObject(UNAUTHORIZED);
});

describe("a revoked token", () => {
  test("opens nothing from then on, also after a restart, and others are as they were", async () => {
    const { tokens } = edge.client("ada");
    const [gone, kept] = [await tokens.create(), await tokens.create()];
    const revoked = await tokens.revoke(gone.id);
    expect(Date.parse(revoked.revoked_at!)).toBeGreaterThanOrEqual(Date.parse(gone.created_at));
    const expectGone = async () => {
      expect(await outcome(await ask(gone.token, "/v1/sessions"))).toMatchObject({
        ...UNAUTHORIZED,
        message: "The token was revoked.",
      });
      expect(await outcome(await ask(kept.token, "/v1/sessions"))).toEqual(OK);
    };
    await expectGone();
    expect(await tokens.revoke(gone.id)).toEqual(revoked);
    await edge.stack.restartWorker();
    await expectGone();
  });

  test("was minted by a backend: its id is enough, in its own account", async () => {
    const id = randomUUID();
    const token = await mint({ account: "offline", id });
    await edge.client("elsewhere").tokens.revoke(id);
    expect(await outcome(await ask(token, "/v1/sessions"))).toEqual(OK);
    const revoked = await edge.client("offline").tokens.revoke(id);
    expect(revoked).toEqual({
      id,
      account: "offline",
      expires_at: null,
      revoked_at: expect.any(String),
    });
    expect(await outcome(await ask(token, "/v1/sessions"))).toMatchObject(UNAUTHORIZED);
    expect(await all(edge.client("offline").tokens.list())).toEqual([revoked]);
  });

  test("ends what is being read with it", async () => {
    const owner = edge.client("reader");
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

  test("is not revoked by the token itself in the address, nor by nothing", async () => {
    const token = await mint({ account: "misuse" });
    const remove = (path: string) => edge.fetch(path, { method: "DELETE", account: "misuse" });
    const answer = await outcome(await remove(`/v1/tokens/${token}`));
    expect(answer).toMatchObject({ code: "invalid_request" });
    expect(JSON.stringify(answer)).not.toContain(token);
    expect(await outcome(await remove("/v1/tokens/"))).toMatchObject({ status: 404 });
  });
});

test("a root key that could be guessed from a token makes none", async () => {
  process.env.CLAUDE_EDGE_ROOT_KEY = "hunter2";
  const stack = await startLocal({ project: TEMPLATE, model: "scripted" });
  delete process.env.CLAUDE_EDGE_ROOT_KEY;
  const { url: baseURL, token } = stack;
  const failure = await new ClaudeEdge({ baseURL, token }).tokens
    .create()
    .catch((error: unknown) => error);
  await stack.stop();
  expect(failure).toMatchObject({ code: "not_configured", status: 503 });
  expect(String(failure)).not.toContain("hunter2");
});

test("no token, and no key, is in what Worker and container print", () => {
  expect(printed).not.toContain("eyJ");
  expect(printed).not.toContain(edge.stack.token);
});
