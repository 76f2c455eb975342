import { randomUUID } from "node:crypto";

import { describe, expect, test } from "vitest";

import { claims, FORBIDDEN, outcome, useTokens } from "../support/tokens.js";
import { until } from "../support/wait.js";

const { edge, ask, holder, mint, sign } = useTokens();

const OK = { status: 200 };

describe("what a token allows", () => {
  const session = `/v1/sessions/${randomUUID()}`;
  const READS = ["sessions:read"];
  const WRITES = ["sessions:write"];
  const routes: [method: string, path: string, scopes: string[]][] = [
    ["GET", "/v1/status", ["query", ...READS]],
    ["GET", "/v1/status?start=true", ["query"]],
    ["GET", "/v1/usage", READS],
    ["POST", "/v1/query", ["query"]],
    ["POST", "/v1/sessions", WRITES],
    ["GET", "/v1/sessions", READS],
    ["GET", session, READS],
    ["PATCH", session, WRITES],
    ["DELETE", session, WRITES],
    ["POST", `${session}/fork`, WRITES],
    ["POST", `${session}/turns`, ["query"]],
    ["GET", `${session}/turns/t`, ["query", ...READS]],
    ["GET", `${session}/events`, ["query", ...READS]],
    ["POST", `${session}/interrupt`, ["query"]],
    ["POST", `${session}/control`, WRITES],
    ["GET", "/v1/requests", ["requests:answer", ...READS]],
    ["GET", "/v1/requests/r", ["requests:answer", ...READS]],
    ["POST", "/v1/requests/r", ["requests:answer"]],
    ["GET", `${session}/requests`, ["requests:answer", ...READS]],
    ["GET", `${session}/requests/r`, ["requests:answer", ...READS]],
    ["POST", `${session}/requests/r`, ["requests:answer"]],
    ["GET", "/v1/tokens", ["admin"]],
    ["POST", "/v1/tokens", ["admin"]],
    ["DELETE", "/v1/tokens/t", ["admin"]],
  ];
  const scopes = ["query", "sessions:read", "sessions:write", "requests:answer", "files"] as const;

  test.each(routes)("%s %s", async (method, path, allowed) => {
    // A body that no route takes: whether it is reached shows, and nothing happens.
    const call = async (scope: string) => {
      const token = sign(claims({ scope, sub: "scopes" }));
      const json = method === "GET" || method === "DELETE" ? {} : { body: '{"none":1}' };
      const headers = { "content-type": "application/json" };
      return outcome(await ask(token, path, { method, headers, ...json }));
    };
    const taken = [];
    for (const scope of scopes) {
      const { status } = await call(scope);
      if (status !== 403) taken.push(scope);
    }
    expect(taken).toEqual(scopes.filter((scope) => allowed.includes(scope)));
    expect((await call("admin")).status).not.toBe(403);
    expect(await call("")).toMatchObject(FORBIDDEN);
    expect(await call("administrator QUERY")).toMatchObject(FORBIDDEN);
  });

  test("what is no route is no secret", async () => {
    const token = await mint({ scopes: ["query"] });
    expect(await outcome(await ask(token, "/v1/nothing"))).toMatchObject({ status: 404 });
    expect(await outcome(await ask(token, "/v1/query"))).toMatchObject({ status: 405 });
  });
});

describe("a token for one session", () => {
  test("takes its session, and nothing else", async () => {
    const owner = edge.client("sid");
    const [own, other] = [await owner.sessions.create(), await owner.sessions.create()];
    const token = await mint({ account: "sid", sessionId: own.id });
    const { text } = await holder(token).sessions.open(own.id).send("%say In here.");
    expect(text).toBe("In here.");
    expect(await outcome(await ask(token, `/v1/sessions/${own.id}`))).toEqual(OK);
    expect(await outcome(await ask(token, "/v1/requests"))).toEqual(OK);

    const refused: [path: string, init?: Parameters<typeof ask>[2]][] = [
      [`/v1/sessions/${other.id}`],
      [`/v1/sessions/${other.id}`, { method: "DELETE" }],
      [`/v1/sessions/${other.id}/events`],
      [`/v1/sessions/${other.id}/turns`, { json: { prompt: "x" } }],
      [`/v1/sessions/${own.id.toUpperCase()}`],
      [`/v1/sessions/${own.id}%2F..%2F${other.id}`],
      [`/v1/sessions/%${other.id.charCodeAt(0).toString(16)}${other.id.slice(1)}`],
      ["/v1/sessions"],
      ["/v1/sessions", { json: {} }],
      ["/v1/query", { json: { prompt: "x" } }],
      [`/v1/sessions/${own.id}/fork`, { json: {} }],
    ];
    for (const [path, init] of refused) {
      expect({ path, ...(await outcome(await ask(token, path, init))) }).toMatchObject(FORBIDDEN);
    }
    const admin = await mint({ account: "sid", sessionId: own.id, scopes: ["admin"] });
    expect(await outcome(await ask(admin, "/v1/tokens", { json: {} }))).toMatchObject(FORBIDDEN);
    expect(await outcome(await ask(admin, "/v1/tokens"))).toMatchObject(FORBIDDEN);
  });

  test("sees and answers its own session's requests alone", async () => {
    const owner = edge.client("sid-requests");
    const asking = { permissionMode: "default", canUseTool: true } as const;
    const [own, other] = [await owner.sessions.create(asking), await owner.sessions.create(asking)];
    const prompt = '%tool Bash {"command":"touch here"}\n%say Done.';
    const asked = async (session: typeof own) => {
      session
        .send(prompt)
        .result()
        .catch(() => {});
      return until(
        "a request",
        async () => (await owner.requests.list({ sessionId: session.id }))[0],
      );
    };
    const theirs = await asked(other);
    const token = await mint({ account: "sid-requests", sessionId: own.id });
    const { requests } = holder(token);
    expect(await requests.list()).toEqual([]);
    const behind = await ask(token, `/v1/requests?after=${theirs.id}`);
    expect(await outcome(behind)).toMatchObject({ code: "request_not_found" });
    const notFound = { code: "request_not_found" };
    await expect(requests.retrieve(theirs.id)).rejects.toMatchObject(notFound);
    const deny = { behavior: "deny" } as const;
    await expect(requests.answer(theirs.id, deny)).rejects.toMatchObject(notFound);
    await owner.requests.answer(theirs.id, deny);
    const mine = await asked(own);
    expect(await requests.answer(mine.id, deny)).toMatchObject({ status: "answered" });
  });
});
