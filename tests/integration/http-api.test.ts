import { randomUUID } from "node:crypto";
import { request } from "node:http";

import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const edge = useStack();

interface ErrorBody {
  type: string;
  error: { code: string; message: string; retryable: boolean; suggestion?: string };
  request_id: string;
}

async function failure(
  response: Response,
): Promise<{ status: number; code: string; message: string }> {
  const body = (await response.json()) as ErrorBody;
  expect(body.type).toBe("error");
  expect(body.request_id).toBe(response.headers.get("x-request-id"));
  expect(typeof body.error.retryable).toBe("boolean");
  return { status: response.status, code: body.error.code, message: body.error.message };
}

const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
  edge.fetch(path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });

describe("who may ask", () => {
  test("health is open and tells the versions", async () => {
    const response = await fetch(`${edge.stack.url}/health`);
    expect(await response.json()).toEqual({ status: "ok", version: "0.1.0", protocol: 1 });
  });

  test.each([
    ["no key", {}],
    ["a wrong key", { authorization: "Bearer nope" }],
    ["a prefix of the key", { authorization: "Bearer ce_root_" }],
    ["another scheme", { authorization: "Basic bm9wZQ==" }],
    ["an empty key", { authorization: "Bearer " }],
  ])("%s is refused", async (_what, headers) => {
    const response = await fetch(`${edge.stack.url}/v1/sessions`, { headers });
    expect(await failure(response)).toMatchObject({ status: 401, code: "unauthorized" });
  });

  test("an account's name is checked, and named once", async () => {
    const bad = await edge.fetch("/v1/sessions", { headers: { "x-account-id": "a/b" } });
    expect(await failure(bad)).toMatchObject({ status: 400, code: "invalid_request" });
    const two = await edge.fetch("/v1/query", {
      json: { prompt: "x", accountId: "b" },
      account: "a",
    });
    expect(await failure(two)).toMatchObject({ code: "invalid_request" });
  });

  test("a client of another protocol version is told so", async () => {
    const response = await edge.fetch("/v1/sessions", {
      headers: { "x-claude-edge-protocol": "99" },
    });
    expect(await failure(response)).toMatchObject({ status: 400, code: "protocol_mismatch" });
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
  ])("%s", async (_what, body, status, code) => {
    const response = await post("/v1/query", JSON.stringify(body));
    expect(await failure(response)).toMatchObject({ status, code });
  });

  test("the message names the field", async () => {
    const response = await post(
      "/v1/query",
      JSON.stringify({ prompt: "x", options: { modle: "y" } }),
    );
    expect((await failure(response)).message).toBe("options.modle: there is no such field");
  });

  test("broken JSON, another content type, a body too large", async () => {
    expect(await failure(await post("/v1/query", "{"))).toMatchObject({
      status: 400,
      code: "invalid_json",
    });
    expect(await failure(await post("/v1/query", ""))).toMatchObject({ code: "invalid_json" });
    expect(
      await failure(await post("/v1/query", "{}", { "content-type": "text/plain" })),
    ).toMatchObject({
      status: 415,
      code: "unsupported_media_type",
    });
    const large = JSON.stringify({ prompt: "x".repeat(9 * 1024 * 1024) });
    expect(await failure(await post("/v1/query", large))).toMatchObject({
      status: 413,
      code: "body_too_large",
    });
  });

  test("a body too large that does not say so beforehand", async () => {
    const { url, token } = edge.stack;
    const status = await new Promise((resolve, reject) => {
      const sent = request(
        `${url}/v1/query`,
        {
          method: "POST",
          headers: {
            authorization: `Bearer ${token}`,
            "content-type": "application/json",
            "transfer-encoding": "chunked",
          },
        },
        (answer) => resolve(answer.statusCode),
      );
      sent.on("error", reject);
      for (let index = 0; index < 10; index += 1) sent.write("x".repeat(1024 * 1024));
      sent.end();
    });
    expect(status).toBe(413);
  });

  test("what is not there", async () => {
    const id = randomUUID();
    const missing = { status: 404, code: "session_not_found" };
    expect(await failure(await edge.fetch(`/v1/sessions/${id}`))).toMatchObject(missing);
    expect(await failure(await edge.fetch(`/v1/sessions/${id}/events`))).toMatchObject(missing);
    expect(
      await failure(await edge.fetch(`/v1/sessions/${id}/turns`, { json: { prompt: "x" } })),
    ).toMatchObject(missing);
    expect(
      await failure(await edge.fetch(`/v1/sessions/${id}/interrupt`, { json: {} })),
    ).toMatchObject(missing);
    expect(await failure(await edge.fetch("/v1/nothing"))).toMatchObject({
      status: 404,
      code: "not_found",
    });
    expect(await failure(await edge.fetch("/v1/sessions?limit=0"))).toMatchObject({
      code: "invalid_request",
    });
    expect(await failure(await edge.fetch("/v1/sessions?cursor=%00"))).toMatchObject({
      code: "invalid_request",
    });
    const wrong = await edge.fetch("/v1/query");
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await failure(wrong)).toMatchObject({ status: 405, code: "method_not_allowed" });
    const badSeq = await edge.fetch(`/v1/sessions/${id}/events?after=-1`);
    expect(await failure(badSeq)).toMatchObject({ code: "invalid_request" });
  });
});

describe("twice", () => {
  test("the same idempotency key gives the same turn, as JSON and as a stream", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const ask = (accept: string) =>
      post("/v1/query", JSON.stringify({ prompt: "%say once", accountId: "twice" }), {
        ...headers,
        accept,
      });
    const [first, second] = await Promise.all([ask("application/json"), ask("application/json")]);
    const turn = (await first.json()) as { id: string };
    expect(await second.json()).toEqual(turn);
    const stream = await (await ask("text/event-stream")).text();
    expect(stream).toContain(turn.id);
    expect(stream).toContain('"status":"completed"');
    const list = (await (await edge.fetch("/v1/sessions", { account: "twice" })).json()) as {
      sessions: unknown[];
    };
    expect(list.sessions).toHaveLength(1);
  });

  test("the same key for something else is a conflict", async () => {
    const headers = { "idempotency-key": randomUUID() };
    await post("/v1/sessions", JSON.stringify({ title: "one" }), headers);
    const again = await post("/v1/sessions", JSON.stringify({ title: "two" }), headers);
    expect(await failure(again)).toMatchObject({ status: 409, code: "idempotency_conflict" });
    const bad = await post("/v1/sessions", "{}", { "idempotency-key": "a b" });
    expect(await failure(bad)).toMatchObject({ code: "invalid_request" });
  });

  test("a session id that is taken is a conflict", async () => {
    const id = randomUUID();
    expect((await edge.fetch("/v1/sessions", { json: { id } })).status).toBe(201);
    const again = await edge.fetch("/v1/sessions", { json: { id } });
    expect(await failure(again)).toMatchObject({ status: 409, code: "session_exists" });
  });
});

describe("sessions and events", () => {
  test("sessions are listed newest first, page by page", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const created = await edge.fetch("/v1/sessions", {
        json: { title: `t${index}` },
        account: "pages",
      });
      ids.push(((await created.json()) as { id: string }).id);
    }
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const path: string = `/v1/sessions?limit=2${cursor ? `&cursor=${cursor}` : ""}`;
      const response = await edge.fetch(path, { account: "pages" });
      const page = (await response.json()) as { sessions: { id: string }[]; next_cursor?: string };
      listed.push(...page.sessions.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor);
    expect(listed.toSorted()).toEqual(ids.toSorted());
  });

  test("a title is cut out of the prompt, between characters", async () => {
    const { sessionId } = await edge.client("titles").query(`${"a".repeat(78)}🙂🙂`);
    const response = await edge.fetch(`/v1/sessions/${sessionId}`, { account: "titles" });
    expect(await response.json()).toMatchObject({ title: `${"a".repeat(78)}…` });
  });

  test("events are read again from any seq, as a stream and as JSON", async () => {
    const response = await edge.fetch("/v1/query", {
      json: { prompt: "%tokens 20" },
      account: "replay",
      headers: { accept: "text/event-stream" },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache, no-transform");
    const whole = await response.text();
    const frames = whole.split("\n\n").filter(Boolean);
    const first = /"session_id":"([^"]+)"/.exec(whole)![1]!;
    const turn = /"turn_id":"([^"]+)"/.exec(whole)![1]!;
    const seqOf = (frame: string) => Number(/^id: (\d+)/.exec(frame)![1]);

    for (const index of [0, 3, frames.length - 2]) {
      const after = seqOf(frames[index]!);
      const again = await edge.fetch(`/v1/sessions/${first}/events?turn=${turn}&after=${after}`, {
        account: "replay",
        headers: { accept: "text/event-stream" },
      });
      expect((await again.text()).split("\n\n").filter(Boolean)).toEqual(frames.slice(index + 1));
    }
    const byHeader = await edge.fetch(`/v1/sessions/${first}/events?turn=${turn}`, {
      account: "replay",
      headers: { accept: "text/event-stream", "last-event-id": String(seqOf(frames.at(-2)!)) },
    });
    expect((await byHeader.text()).trim()).toBe(frames.at(-1));
    const json = await edge.fetch(`/v1/sessions/${first}/events?after=2`, { account: "replay" });
    const page = (await json.json()) as {
      events: { seq: number; kind: string }[];
      last_seq: number;
    };
    expect(page.last_seq).toBeGreaterThanOrEqual(seqOf(frames.at(-1)!));
    const seqs = frames.map(seqOf).filter((seq) => seq > 2);
    expect(page.events.map(({ seq }) => seq).slice(0, seqs.length)).toEqual(seqs);
  });

  test("a turn can be sent and looked up later", async () => {
    const created = await edge.fetch("/v1/sessions", { json: {}, account: "later" });
    const { id } = (await created.json()) as { id: string };
    const sent = await edge.fetch(`/v1/sessions/${id}/turns`, {
      json: { prompt: "%say later" },
      account: "later",
    });
    expect(sent.status).toBe(202);
    const turn = (await sent.json()) as { id: string; status: string };
    expect(["queued", "running"]).toContain(turn.status);
    const events = await edge.fetch(`/v1/sessions/${id}/events?turn=${turn.id}`, {
      account: "later",
      headers: { accept: "text/event-stream" },
    });
    expect(await events.text()).toContain('"status":"completed"');
    const looked = await edge.fetch(`/v1/sessions/${id}/turns/${turn.id}`, { account: "later" });
    expect(await looked.json()).toMatchObject({
      id: turn.id,
      status: "completed",
      result: { text: "later" },
    });
  });
});
