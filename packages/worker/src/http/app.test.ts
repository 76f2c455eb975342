import { randomUUID } from "node:crypto";

import { MAX_BODY_BYTES, MAX_HEADER_CHARS, MAX_IDEMPOTENCY_KEY } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { ask, REACHED, ROOT_KEY } from "../../test/support/ask.js";

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  ask(path, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

const INVALID = { status: 400, code: "invalid_request" };

describe("who may ask", () => {
  test("health is open, once there is a key", async () => {
    expect(await ask("/health", { headers: { authorization: "none" } })).toMatchObject({
      status: 200,
    });
    const without = { CLAUDE_EDGE_ROOT_KEY: "" };
    expect(await ask("/v1/sessions", {}, without)).toMatchObject({
      status: 503,
      code: "not_configured",
    });
  });

  test("its description is open, also before there is a key", async () => {
    const { status } = await ask("/v1/openapi.json", {}, { CLAUDE_EDGE_ROOT_KEY: "" });
    expect(status).toBe(200);
  });

  test.each([
    ["a wrong key", "Bearer nope"],
    ["a prefix of the key", `Bearer ${ROOT_KEY.slice(0, -1)}`],
    ["the key and more", `Bearer ${ROOT_KEY}x`],
    ["another scheme", "Basic bm9wZQ=="],
    ["an empty key", "Bearer "],
    ["a bare key", ROOT_KEY],
  ])("%s is refused", async (_what, authorization) => {
    const answer = await ask("/v1/sessions", { headers: { authorization } });
    expect(answer).toMatchObject({ status: 401, code: "unauthorized" });
    expect(answer.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
  });

  test("an x-api-key counts, but not beside Authorization", async () => {
    const headers = { authorization: "", "x-api-key": ROOT_KEY };
    expect(await ask("/v1/sessions", { headers })).toMatchObject({ status: 401 });
  });

  test("the key itself is taken, in any case of the scheme", async () => {
    for (const scheme of ["Bearer", "bearer", "BEARER "]) {
      const headers = { authorization: `${scheme} ${ROOT_KEY}` };
      expect(await ask("/v1/sessions", { headers })).toMatchObject(REACHED);
    }
  });

  test.each(["a/b", "", "-a", "a b", "é", "a".repeat(129)])(
    "the account %j is refused",
    async (account) => {
      const headers = { "x-account-id": account };
      expect(await ask("/v1/sessions", { headers })).toMatchObject(INVALID);
      expect(await ask("/v1/sessions", { json: { accountId: account } })).toMatchObject(INVALID);
    },
  );

  test("an account is named once, or twice the same", async () => {
    const named = (accountId: string) =>
      ask("/v1/query", { json: { prompt: "x", accountId }, headers: { "x-account-id": "a" } });
    expect(await named("b")).toMatchObject(INVALID);
    expect(await named("a")).toMatchObject(REACHED);
  });

  test("a client of a protocol that is no neighbour is told which of the two to raise", async () => {
    const speak = (version: string) =>
      ask("/v1/sessions", { headers: { "x-claude-edge-protocol": version } });
    expect(await speak("99")).toMatchObject({
      status: 400,
      code: "protocol_mismatch",
      message: "The client speaks protocol 99, the deployment 1: raise the deployment.",
    });
    for (const neighbour of ["0", "1", "2"]) expect(await speak(neighbour)).toMatchObject(REACHED);
  });
});

describe("what cannot be asked", () => {
  test.each([
    ["an empty prompt", { prompt: "" }, 400, "prompt_empty"],
    ["a prompt of blanks", { prompt: " \n\t" }, 400, "prompt_empty"],
    ["a prompt that is too long", { prompt: "é".repeat(600_000) }, 413, "prompt_too_long"],
    ["no prompt", {}, 400, "invalid_request"],
    ["a prompt of the wrong type", { prompt: 5 }, 400, "invalid_request"],
    ["an unknown field", { prompt: "x", promt: "y" }, 400, "invalid_request"],
    ["an unknown option", { prompt: "x", options: { modle: "y" } }, 400, "invalid_request"],
    ["a bad option", { prompt: "x", options: { maxTurns: 0 } }, 400, "invalid_request"],
    ["a session id that is none", { prompt: "x", session_id: "../etc" }, 400, "invalid_request"],
    ["a list", [], 400, "invalid_request"],
    ["null", null, 400, "invalid_request"],
  ])("%s", async (_what, json, status, code) => {
    expect(await ask("/v1/query", { json })).toMatchObject({ status, code });
  });

  test("the message names the field", async () => {
    const json = { prompt: "x", options: { modle: "y" } };
    const { message } = await ask("/v1/query", { json });
    expect(message).toBe("options.modle: there is no such field");
    const rewind = await ask(`/v1/sessions/${randomUUID()}/rewind`, { json: {} });
    expect(rewind.message).toBe("turn_id: is missing");
    const ofText = await ask("/v1/query", { json: { prompt: "x", options: { maxTurns: "5" } } });
    expect(ofText.message).toBe("options.maxTurns: must be a number");
    const ofNull = await ask("/v1/query", { json: { prompt: "x", options: { model: null } } });
    expect(ofNull.message).toBe("options.model: must be a string");
  });

  test("broken JSON, another content type, a body too large", async () => {
    const noJson = { status: 400, code: "invalid_json" };
    expect(await post("/v1/query", "{")).toMatchObject(noJson);
    expect(await post("/v1/query", "")).toMatchObject(noJson);
    const noType = { status: 415, code: "unsupported_media_type" };
    expect(await post("/v1/query", "{}", { "content-type": "text/plain" })).toMatchObject(noType);
    expect(await post("/v1/query", "{}", { "content-type": "" })).toMatchObject(noType);
    const large = JSON.stringify({ prompt: "x".repeat(MAX_BODY_BYTES) });
    const tooLarge = { status: 413, code: "body_too_large" };
    expect(await post("/v1/query", large)).toMatchObject(tooLarge);
  });

  test("JSON of another charset, and the type in capitals, are taken", async () => {
    const type = { "content-type": "Application/JSON; charset=utf-8" };
    expect(await post("/v1/query", '{"prompt":"x"}', type)).toMatchObject(REACHED);
  });

  test.each(["", "a b", "é", "a\tb", "a".repeat(MAX_IDEMPOTENCY_KEY + 1)])(
    "the idempotency key %j",
    async (key) => {
      const headers = { "idempotency-key": key };
      expect(await ask("/v1/sessions", { json: {}, headers })).toMatchObject(INVALID);
    },
  );

  test("without a model credential nothing is begun", async () => {
    const without = { ANTHROPIC_API_KEY: "" };
    const refused = { status: 503, code: "model_not_configured" };
    const path = `/v1/sessions/${randomUUID()}/turns`;
    for (const to of ["/v1/query", path]) {
      expect(await ask(to, { json: { prompt: "x" } }, without)).toMatchObject(refused);
      expect(await ask(to, { json: { prompt: "x" } })).toMatchObject(REACHED);
    }
  });

  test("numbers, days and words in the address", async () => {
    const bad = [
      "/v1/sessions?limit=0",
      "/v1/sessions?limit=201",
      "/v1/sessions?limit=1e1",
      `/v1/sessions/${randomUUID()}/events?after=-1`,
      "/v1/tokens?cursor=x",
      "/v1/tokens?cursor=-1",
      "/v1/tokens?cursor=1e3",
      "/v1/requests?status=gone",
      "/v1/usage?group=hour",
      "/v1/usage?group=",
      "/v1/usage?from=yesterday",
      "/v1/usage?from=2026-02-30",
      "/v1/usage?to=2026-13-01",
      "/v1/usage?from=2026-1-1",
      "/v1/usage?from=",
      "/v1/usage?to=2026-11-01T00:00:00Z",
      "/v1/usage?from=2026-11-02&to=2026-11-01",
    ];
    for (const path of bad) {
      const { status, code } = await ask(path);
      expect({ path, status, code }).toMatchObject(INVALID);
    }
    for (const path of ["/v1/sessions?limit=200", "/v1/usage?from=2024-02-29&to=2024-02-29"]) {
      expect(await ask(path)).toMatchObject(REACHED);
    }
  });

  test("what is not there", async () => {
    expect(await ask("/v1/nothing")).toMatchObject({ status: 404, code: "not_found" });
    expect(await ask("/v1/tokens/", { method: "DELETE" })).toMatchObject({ status: 404 });
    const wrong = await ask("/v1/query");
    expect(wrong).toMatchObject({ status: 405, code: "method_not_allowed" });
    expect(wrong.headers.get("allow")).toBe("POST");
    const both = await ask(`/v1/sessions/${randomUUID()}`, { method: "PUT" });
    expect(both.headers.get("allow")?.split(", ").toSorted()).toEqual(["DELETE", "GET", "PATCH"]);
  });

  test("headers that hold too much, before anybody looks at the key", async () => {
    const headers = { authorization: "none", "x-filler": "a".repeat(MAX_HEADER_CHARS) };
    expect(await ask("/v1/sessions", { headers })).toMatchObject({
      status: 431,
      code: "headers_too_large",
    });
  });
});

describe("tokens", () => {
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
  ])("are not minted for %s", async (_what, json) => {
    expect(await ask("/v1/tokens", { json })).toMatchObject(INVALID);
  });

  test("are not made of a root key that could be guessed from one", async () => {
    const env = { CLAUDE_EDGE_ROOT_KEY: "hunter2" };
    const headers = { authorization: "Bearer hunter2" };
    const answer = await ask("/v1/tokens", { json: {}, headers }, env);
    expect(answer).toMatchObject({ status: 503, code: "not_configured" });
    expect(answer.message).not.toContain("hunter2");
  });

  test("are revoked by their id, and not told when they are named themselves", async () => {
    const token = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
    const answer = await ask(`/v1/tokens/${token}`, { method: "DELETE" });
    expect(answer).toMatchObject(INVALID);
    expect(answer.message).not.toContain(token);
  });
});

describe("limits of an account", () => {
  test.each([
    { max_concurrent_turns: 0 },
    { max_concurrent_turns: "none" },
    { max_queued_turns: -1 },
    { max_sessions: 1.5 },
    { requests_per_minute: "many" },
    { tokens_per_day: 1e13 },
    { dollars_per_day: -0.01 },
    { dollars_per_day: true },
    { dollars: 1 },
    [],
    null,
  ])("%j is none", async (json) => {
    expect(await ask("/v1/limits", { method: "PATCH", json })).toMatchObject(INVALID);
  });

  test.each([{ max_sessions: null }, { tokens_per_day: "none" }, { dollars_per_day: 0.5 }])(
    "%j is one",
    async (json) => {
      expect(await ask("/v1/limits", { method: "PATCH", json })).toMatchObject(REACHED);
    },
  );
});

test("a time to keep sessions for that cannot be read is told of in every answer", async () => {
  const env = { CLAUDE_EDGE_RETENTION: "a month" };
  const answer = await ask("/v1/sessions", {}, env);
  expect(answer).toMatchObject({ status: 503, code: "setting_invalid" });
  expect(answer.message).toContain('"a month"');
  expect(await ask("/v1/sessions", {}, { CLAUDE_EDGE_RETENTION: "30d" })).toMatchObject(REACHED);
  expect((await ask("/health", {}, env)).status).toBe(200);
});

test("webhooks of the deployment that cannot be read, or not be signed, are told of in every answer", async () => {
  const webhook = { name: "ops", url: "https://example.com/hook" };
  const secret = `whsec_${btoa("x".repeat(32))}`;
  const answer = (given: unknown, CLAUDE_EDGE_WEBHOOK_SECRET?: string) =>
    ask(
      "/v1/sessions",
      {},
      {
        CLAUDE_EDGE_WEBHOOKS: JSON.stringify(given),
        ...(CLAUDE_EDGE_WEBHOOK_SECRET === undefined ? {} : { CLAUDE_EDGE_WEBHOOK_SECRET }),
      },
    );
  const invalid = { status: 503, code: "setting_invalid" };
  expect(await answer([webhook])).toMatchObject(invalid);
  expect(await answer([webhook], "secret")).toMatchObject(invalid);
  expect(await answer([webhook], `${secret} whsec_short`)).toMatchObject(invalid);
  expect(await answer([webhook, webhook], secret)).toMatchObject(invalid);
  expect(await answer([{ ...webhook, types: ["turn.odd"] }], secret)).toMatchObject(invalid);
  expect(await answer({}, secret)).toMatchObject(invalid);
  expect(await answer([webhook], `${secret} ${secret}`)).toMatchObject(REACHED);
  expect(await answer([])).toMatchObject(REACHED);
});

test("a dialect that is none is named where one is asked for; the rest of the API goes on", async () => {
  const env = { CLAUDE_EDGE_DIALECTS: "studio, mesages" };
  const answer = await ask("/v1/messages", { json: {} }, env);
  expect(answer).toMatchObject({ status: 503, code: "setting_invalid" });
  expect(answer.message).toMatch(/"mesages"; there are messages,/);
  expect(await ask("/v1/sessions", {}, env)).toMatchObject(REACHED);
});
