import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { FORBIDDEN, outcome, useTokens } from "../support/tokens.js";
import { until } from "../support/wait.js";

const { edge, ask, holder, mint } = useTokens(useStack());

const OK = { status: 200 };
const account = "token-scopes";

// Every route with every scope: packages/worker/src/http/access.test.ts.

test("a token allows what its scopes do", async () => {
  const token = await mint({ account, scopes: ["sessions:read"] });
  expect(await outcome(await ask(token, "/v1/sessions"))).toEqual(OK);
  expect(await outcome(await ask(token, "/v1/sessions", { json: {} }))).toMatchObject(FORBIDDEN);
  const files = await ask(token, `/v1/sessions/${randomUUID()}/files`);
  expect(await outcome(files)).toMatchObject(FORBIDDEN);
  const start = await ask(token, "/v1/status?start=true");
  expect(await outcome(start)).toMatchObject(FORBIDDEN);
});

test("what is no route is no secret", async () => {
  const token = await mint({ scopes: ["query"] });
  expect(await outcome(await ask(token, "/v1/nothing"))).toMatchObject({ status: 404 });
  expect(await outcome(await ask(token, "/v1/query"))).toMatchObject({ status: 405 });
});

test("a token for one session takes its session and its requests, and nothing else", async () => {
  const owner = edge.client(account);
  const asking = { permissionMode: "default", canUseTool: true } as const;
  const [own, other] = [await owner.sessions.create(asking), await owner.sessions.create(asking)];
  const token = await mint({ account, sessionId: own.id });
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
  const admin = await mint({ account, sessionId: own.id, scopes: ["admin"] });
  expect(await outcome(await ask(admin, "/v1/tokens", { json: {} }))).toMatchObject(FORBIDDEN);
  expect(await outcome(await ask(admin, "/v1/tokens"))).toMatchObject(FORBIDDEN);

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
  const { requests } = holder(token);
  expect(await requests.list()).toEqual([]);
  const after = await ask(token, `/v1/requests?after=${theirs.id}`);
  expect(await outcome(after)).toMatchObject({ code: "request_not_found" });
  const notFound = { code: "request_not_found" };
  await expect(requests.retrieve(theirs.id)).rejects.toMatchObject(notFound);
  const deny = { behavior: "deny" } as const;
  await expect(requests.answer(theirs.id, deny)).rejects.toMatchObject(notFound);
  await owner.requests.answer(theirs.id, deny);
  const mine = await asked(own);
  expect(await requests.answer(mine.id, deny)).toMatchObject({ status: "answered" });
});
