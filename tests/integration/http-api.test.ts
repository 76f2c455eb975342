import { randomUUID } from "node:crypto";
import { request } from "node:http";

import { MAX_JSON_DEPTH } from "@claude-edge/protocol";
import { beforeAll, describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const edge = useStack();
const account = "http-api";

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
    account,
    headers: { "content-type": "application/json", ...headers },
  });

// What is refused before an account is asked: packages/worker/src/http/app.test.ts.

describe("who may ask", () => {
  test("health is open and tells the versions", async () => {
    const response = await fetch(`${edge.stack.url}/health`);
    expect(await response.json()).toEqual({ status: "ok", version: "0.1.0", protocol: 1 });
  });

  test("a wrong key is refused, and no page of another origin may ask", async () => {
    const headers = { authorization: "Bearer nope", origin: "https://app.example.com" };
    const wrong = await fetch(`${edge.stack.url}/v1/sessions`, { headers });
    expect(await failure(wrong)).toMatchObject({ status: 401, code: "unauthorized" });
    expect(wrong.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("what cannot be asked", () => {
  test("broken JSON, a field that is none, a body too large", async () => {
    const broken = await post("/v1/query", "{");
    expect(await failure(broken)).toMatchObject({ status: 400, code: "invalid_json" });
    const unknown = await post("/v1/query", '{"prompt":"x","options":{"modle":"y"}}');
    const message = "options.modle: there is no such field";
    expect(await failure(unknown)).toEqual({ status: 400, code: "invalid_request", message });
    const large = await post("/v1/query", JSON.stringify({ prompt: "x".repeat(9 * 1024 * 1024) }));
    expect(await failure(large)).toMatchObject({ status: 413, code: "body_too_large" });
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
    expect(await failure(await edge.fetch("/v1/sessions?cursor=%00"))).toMatchObject({
      code: "invalid_request",
    });
    const wrong = await edge.fetch("/v1/query");
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await failure(wrong)).toMatchObject({ status: 405, code: "method_not_allowed" });
  });
});

describe("twice", () => {
  test("the same idempotency key gives the same turn, as JSON and as a stream", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const ask = (accept: string) =>
      post("/v1/query", JSON.stringify({ prompt: "%say once", options: { maxTurns: 7 } }), {
        ...headers,
        accept,
      });
    const [first, second] = await Promise.all([ask("application/json"), ask("application/json")]);
    const turn = (await first.json()) as { id: string };
    expect(await second.json()).toEqual(turn);
    const stream = await ask("text/event-stream");
    expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(stream.headers.get("cache-control")).toBe("no-cache, no-transform");
    const text = await stream.text();
    expect(text).toContain(turn.id);
    expect(text).toContain('"status":"completed"');
    const list = (await (await edge.fetch("/v1/sessions", { account })).json()) as {
      sessions: { options: { maxTurns?: number } }[];
    };
    expect(list.sessions.filter(({ options }) => options.maxTurns === 7)).toHaveLength(1);
  });

  test("the same key for something else is a conflict", async () => {
    const headers = { "idempotency-key": randomUUID() };
    await post("/v1/sessions", JSON.stringify({ title: "one" }), headers);
    const again = await post("/v1/sessions", JSON.stringify({ title: "two" }), headers);
    expect(await failure(again)).toMatchObject({ status: 409, code: "idempotency_conflict" });
  });

  test("a session id that is taken is a conflict", async () => {
    const id = randomUUID();
    expect((await edge.fetch("/v1/sessions", { json: { id } })).status).toBe(201);
    const again = await edge.fetch("/v1/sessions", { json: { id } });
    expect(await failure(again)).toMatchObject({ status: 409, code: "session_exists" });
  });
});

test("sessions are listed newest first, page by page", async () => {
  const pages = "http-api-pages";
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) {
    const created = await edge.fetch("/v1/sessions", {
      json: { title: `t${index}` },
      account: pages,
    });
    ids.push(((await created.json()) as { id: string }).id);
  }
  const listed: string[] = [];
  let cursor: string | undefined;
  do {
    const path: string = `/v1/sessions?limit=2${cursor ? `&cursor=${cursor}` : ""}`;
    const response = await edge.fetch(path, { account: pages });
    const page = (await response.json()) as { sessions: { id: string }[]; next_cursor?: string };
    listed.push(...page.sessions.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor);
  expect(listed.toSorted()).toEqual(ids.toSorted());
});

describe("turns and events of a session", () => {
  let id = "";
  beforeAll(async () => {
    const created = await edge.fetch("/v1/sessions", { json: {}, account });
    ({ id } = (await created.json()) as { id: string });
  });
  const send = (prompt: unknown, accept: string) =>
    edge.fetch(`/v1/sessions/${id}/turns`, { json: { prompt }, account, headers: { accept } });

  test("events are read again from any seq, as a stream and as JSON", async () => {
    const response = await send("%tokens 20", "text/event-stream");
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const whole = await response.text();
    const frames = whole.split("\n\n").filter(Boolean);
    expect(/"session_id":"([^"]+)"/.exec(whole)![1]).toBe(id);
    const turn = /"turn_id":"([^"]+)"/.exec(whole)![1]!;
    const seqOf = (frame: string) => Number(/^id: (\d+)/.exec(frame)![1]);

    for (const index of [0, 3, frames.length - 2]) {
      const after = seqOf(frames[index]!);
      const again = await edge.fetch(`/v1/sessions/${id}/events?turn=${turn}&after=${after}`, {
        account,
        headers: { accept: "text/event-stream" },
      });
      expect((await again.text()).split("\n\n").filter(Boolean)).toEqual(frames.slice(index + 1));
    }
    const byHeader = await edge.fetch(`/v1/sessions/${id}/events?turn=${turn}`, {
      account,
      headers: { accept: "text/event-stream", "last-event-id": String(seqOf(frames.at(-2)!)) },
    });
    expect((await byHeader.text()).trim()).toBe(frames.at(-1));
    const json = await edge.fetch(`/v1/sessions/${id}/events?after=2`, { account });
    const page = (await json.json()) as {
      events: { seq: number; kind: string }[];
      last_seq: number;
    };
    expect(page.last_seq).toBeGreaterThanOrEqual(seqOf(frames.at(-1)!));
    const seqs = frames.map(seqOf).filter((seq) => seq > 2);
    expect(page.events.map(({ seq }) => seq).slice(0, seqs.length)).toEqual(seqs);
  });

  test("a turn can be sent and looked up later; the first prompt has become the title", async () => {
    // As deep as a body may be: it goes through all that serialises it on the way to the agent.
    const levels = MAX_JSON_DEPTH - 3;
    const deep: unknown = JSON.parse("[".repeat(levels) + "]".repeat(levels));
    const sent = await send([{ type: "text", text: "%say later", deep }], "application/json");
    expect(sent.status).toBe(202);
    const turn = (await sent.json()) as { id: string; status: string };
    expect(["queued", "running"]).toContain(turn.status);
    const events = await edge.fetch(`/v1/sessions/${id}/events?turn=${turn.id}`, {
      account,
      headers: { accept: "text/event-stream" },
    });
    expect(await events.text()).toContain('"status":"completed"');
    const looked = await edge.fetch(`/v1/sessions/${id}/turns/${turn.id}`, { account });
    expect(await looked.json()).toMatchObject({
      id: turn.id,
      status: "completed",
      result: { text: "later" },
    });
    const session = await edge.fetch(`/v1/sessions/${id}`, { account });
    expect(await session.json()).toMatchObject({ title: "%tokens 20" });
  });
});
