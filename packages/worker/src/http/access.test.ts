import { randomUUID } from "node:crypto";

import { SCOPES } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { claims, signWith } from "../../../../tests/support/signing.js";
import { ask, REACHED, ROOT_KEY } from "../../test/support/ask.js";
import { ROUTES } from "./access.js";

const FORBIDDEN = { status: 403, code: "forbidden" };

const [own, other] = [randomUUID(), randomUUID()];
const tokenOf = (changed: object) => `Bearer ${signWith(ROOT_KEY, claims(changed))}`;

/** A request that its route refuses if it takes a body: whether the route is reached shows, and nothing else happens. */
function call(method: string, path: string, token: object) {
  const headers = { authorization: tokenOf(token), "content-type": "application/json" };
  const body = method === "GET" || method === "DELETE" ? {} : { body: '{"none":1}' };
  return ask(path, { method, headers, ...body });
}

const READS = ["sessions:read"];
const WRITES = ["sessions:write"];
const FILES = ["files"];
const SEES = ["requests:answer", ...READS];

/** Every route with what it takes, and whether a token for one session may take it. */
const TABLE: [route: string, scopes: string[], ofSession: boolean][] = [
  ["GET /v1/status", ["query", ...READS], false],
  ["GET /v1/status/stream", ["query", ...READS], false],
  ["GET /v1/feed", SEES, true],
  ["GET /v1/audit", ["admin"], false],
  ["GET /v1/webhooks", ["admin"], false],
  ["POST /v1/webhooks", ["admin"], false],
  ["GET /v1/webhooks/:webhook", ["admin"], false],
  ["PATCH /v1/webhooks/:webhook", ["admin"], false],
  ["DELETE /v1/webhooks/:webhook", ["admin"], false],
  ["POST /v1/webhooks/:webhook/rotate", ["admin"], false],
  ["POST /v1/webhooks/:webhook/test", ["admin"], false],
  ["GET /v1/webhooks/:webhook/deliveries", ["admin"], false],
  ["POST /v1/webhooks/:webhook/resend", ["admin"], false],
  ["GET /v1/usage", READS, false],
  ["GET /v1/limits", READS, false],
  ["POST /v1/query", ["query"], false],
  ["POST /v1/sessions", WRITES, false],
  ["GET /v1/sessions", READS, false],
  ["GET /v1/sessions/:id", READS, true],
  ["PATCH /v1/sessions/:id", WRITES, true],
  ["DELETE /v1/sessions/:id", WRITES, true],
  ["POST /v1/sessions/:id/fork", WRITES, false],
  // It takes two scopes, so none alone.
  ["GET /v1/sessions/:id/export", [], true],
  ["GET /v1/sessions/:id/files", FILES, true],
  ["GET /v1/sessions/:id/files/:path{[^]+}", FILES, true],
  ["PUT /v1/sessions/:id/files/:path{[^]+}", FILES, true],
  ["DELETE /v1/sessions/:id/files/:path{[^]+}", FILES, true],
  ["GET /v1/sessions/:id/transcript", READS, true],
  ["GET /v1/sessions/:id/tar", FILES, true],
  ["PUT /v1/sessions/:id/tar", FILES, true],
  ["GET /v1/sessions/:id/diff", FILES, true],
  ["GET /v1/sessions/:id/checkpoints", FILES, true],
  ["POST /v1/sessions/:id/rewind", WRITES, true],
  ["GET /v1/sessions/:id/network", READS, true],
  ["POST /v1/sessions/:id/turns", ["query"], true],
  ["GET /v1/sessions/:id/turns", ["query", ...READS], true],
  ["GET /v1/sessions/:id/turns/:turn", ["query", ...READS], true],
  ["GET /v1/sessions/:id/turns/:turn/trace", ["query", ...READS], true],
  ["GET /v1/sessions/:id/events", ["query", ...READS], true],
  ["POST /v1/sessions/:id/interrupt", ["query"], true],
  ["POST /v1/sessions/:id/control", WRITES, true],
  ["GET /v1/requests", SEES, true],
  ["GET /v1/requests/:request", SEES, true],
  ["POST /v1/requests/:request", ["requests:answer"], true],
  ["GET /v1/sessions/:id/requests", SEES, true],
  ["GET /v1/sessions/:id/requests/:request", SEES, true],
  ["POST /v1/sessions/:id/requests/:request", ["requests:answer"], true],
  ["GET /v1/network", READS, false],
  ["GET /v1/secrets", READS, false],
  ["PUT /v1/secrets/:name", ["admin"], false],
  ["DELETE /v1/secrets/:name", ["admin"], false],
  ["POST /v1/tokens", ["admin"], false],
  ["GET /v1/tokens", ["admin"], false],
  ["DELETE /v1/tokens/:token", ["admin"], false],
];

/** What no token may do. */
const OPERATOR = [
  "PATCH /v1/limits",
  "PUT /v1/network",
  "GET /v1/accounts",
  "GET /v1/accounts/:account",
  "DELETE /v1/accounts/:account",
];

test("every route is in the tables above", () => {
  const routes = [...TABLE.map(([route]) => route), ...OPERATOR];
  expect(routes.toSorted()).toEqual(Object.keys(ROUTES).toSorted());
});

describe("what a token allows", () => {
  const pathOf = (route: string, session: string) =>
    route.replace(":id", session).replace(/:\w+(\{.*\})?/g, "x");

  test.each(TABLE)("%s: %j", async (route, allowed, ofSession) => {
    const [method = "", path = ""] = route.split(" ");
    const withScope = (scope: string) => call(method, pathOf(path, own), { scope });
    const taken = [];
    for (const scope of SCOPES) if ((await withScope(scope)).status !== 403) taken.push(scope);
    // `admin` holds all the others.
    const expected = SCOPES.filter((scope) => allowed.includes(scope) || scope === "admin");
    expect(taken).toEqual(expected);
    expect(await withScope("")).toMatchObject(FORBIDDEN);
    expect(await withScope("administrator QUERY")).toMatchObject(FORBIDDEN);

    const { status } = await call(method, pathOf(path, own), { scope: "admin", sid: own });
    expect(status === 403).toBe(!ofSession);
  });

  const inPath = TABLE.filter(([route]) => route.includes(":id"));
  test.each(inPath)("%s: not with a token for another session", async (route) => {
    const [method = "", path = ""] = route.split(" ");
    const token = { scope: "admin", sid: own };
    expect(await call(method, pathOf(path, other), token)).toMatchObject(FORBIDDEN);
  });

  test("a token for one request opens that request alone, whatever its scopes", async () => {
    const rid = `ask.${own}`;
    const token = { scope: "admin", sid: own, rid };
    const open = new Set<string>();
    for (const [route] of TABLE) {
      const [method = "", path = ""] = route.split(" ");
      const at = (request: string) => pathOf(path.replace(":request", request), own);
      if ((await call(method, at(rid), token)).status !== 403) open.add(route);
      expect(await call(method, at(`other.${own}`), token)).toMatchObject(FORBIDDEN);
    }
    expect([...open].toSorted()).toEqual([
      "GET /v1/requests/:request",
      "GET /v1/sessions/:id/requests/:request",
      "POST /v1/requests/:request",
      "POST /v1/sessions/:id/requests/:request",
    ]);
    // Of another session than it says, or of none, it is no token.
    for (const changed of [
      { sid: other, rid },
      { rid },
      { sid: own, rid: "ask" },
      { sid: own, rid: 1 },
    ]) {
      const answer = await call("GET", `/v1/requests/${rid}`, { scope: "admin", ...changed });
      expect(answer.status).toBe(401);
    }
  });

  test("an export takes the scopes of all that is in it", async () => {
    const exports = (scope: string) => call("GET", `/v1/sessions/${own}/export`, { scope });
    expect(await exports("sessions:read files")).toMatchObject(REACHED);
    expect(await exports("sessions:read sessions:write query")).toMatchObject(FORBIDDEN);
    expect(await exports("files sessions:write query")).toMatchObject(FORBIDDEN);
  });

  test("starting a container takes more than reading its status", async () => {
    const start = (scope: string) => call("GET", "/v1/status?start=true", { scope });
    expect(await start("sessions:read")).toMatchObject(FORBIDDEN);
    expect(await start("query")).toMatchObject(REACHED);
  });

  test.each(OPERATOR)("%s: the root key alone", async (route) => {
    const [method = "", path = ""] = route.split(" ");
    const name = path.replace(":account", "ada");
    expect(await call(method, name, { scope: "admin" })).toMatchObject(FORBIDDEN);
    const json =
      method === "PATCH" ? { json: {} } : method === "PUT" ? { json: { policy: null } } : {};
    expect(await ask(name, { method, ...json })).toMatchObject(REACHED);
  });

  test.each(["..", "a b", "%2e%2e", "a%2Fb", "é", "x".repeat(129)])(
    "%j can be no account",
    async (name) => {
      const answer = await ask(`/v1/accounts/${name}`);
      expect(answer.status).toBe(404);
    },
  );

  test("what is no route is no secret", async () => {
    expect(await call("GET", "/v1/nothing", { scope: "query" })).toMatchObject({ status: 404 });
    expect(await call("GET", "/v1/query", { scope: "query" })).toMatchObject({ status: 405 });
  });
});

test.each([
  own.toUpperCase(),
  `${own}%2F..%2F${other}`,
  `%${other.charCodeAt(0).toString(16)}${other.slice(1)}`,
  `${own}%00`,
])("%s is not the token's session", async (id) => {
  expect(await call("GET", `/v1/sessions/${id}`, { scope: "admin", sid: own })).toMatchObject(
    FORBIDDEN,
  );
});

test("a token names no account but its own, in header and body", async () => {
  const authorization = tokenOf({ scope: "sessions:read sessions:write" });
  const inHeader = (account: string) =>
    ask("/v1/sessions", { headers: { authorization, "x-account-id": account } });
  const inBody = (accountId: string) =>
    ask("/v1/sessions", { json: { accountId }, headers: { authorization } });
  for (const named of [inHeader, inBody]) {
    expect(await named("ada")).toMatchObject(REACHED);
    expect(await named("bob")).toMatchObject(FORBIDDEN);
    expect(await named("Ada")).toMatchObject(FORBIDDEN);
    expect(await named("a/b")).toMatchObject({ status: 400, code: "invalid_request" });
  }
});
