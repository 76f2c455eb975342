/** The log of Worker, objects and runner: what it has of requests, turns and containers, and what it never has. */
import { randomUUID } from "node:crypto";

import { describe, expect, test } from "vitest";

import { StackLog } from "../support/stack-log.js";
import { useOwnStack } from "../support/stack.js";

const log = new StackLog();
const edge = useOwnStack({
  onLog: log.onLog,
  vars: {
    CLAUDE_EDGE_LOG_LEVEL: "debug",
    CLAUDE_EDGE_DIALECTS: "messages,query,claude-code",
  },
});
const account = "logs";

/** Reads a whole answer; its request's id is in a header, and in errors. */
async function answerOf(response: Response) {
  const text = await response.text();
  return { id: response.headers.get("x-request-id")!, status: response.status, text };
}

describe("the id of an error's request is in the log once", () => {
  const session = randomUUID();
  test.each<[string, string, RequestInit & { json?: unknown }, object]>([
    ["a session that is not there", `/v1/sessions/${session}`, {}, { code: "session_not_found" }],
    ["no route", "/v1/none", {}, { code: "not_found" }],
    [
      "a wrong key",
      "/v1/sessions",
      { headers: { authorization: "Bearer x" } },
      { code: "unauthorized" },
    ],
    [
      "a body that is no JSON",
      "/v1/query",
      { method: "POST", body: "{", headers: { "content-type": "application/json" } },
      { code: "invalid_json" },
    ],
    [
      "a failed turn",
      "/v1/query",
      { json: { prompt: "%error 400" } },
      { code: "model_invalid_request" },
    ],
    ["a dialect", "/query", { json: { query: "%error 400" } }, { code: "model_invalid_request" }],
  ])("%s", async (_what, path, init, error) => {
    const { id, status, text } = await answerOf(await edge.fetch(path, { account, ...init }));
    expect(status).toBeGreaterThanOrEqual(400);
    const entries = await log.with({ request_id: id });
    expect(entries).toMatchObject([{ status, level: status < 500 ? "warn" : "error" }]);
    expect(entries[0]!.error).toMatchObject(error);
    expect(text).toContain(id);
    expect(log.text.split(id)).toHaveLength(2);
  });

  test("an error of the model's own API, which passes with an id of its own", async () => {
    const { id, status } = await answerOf(await edge.fetch("/v1/messages", { account, json: {} }));
    expect(await log.with({ request_id: id })).toMatchObject([{ status, level: "error" }]);
  });

  test("a stream that tells of a failure after its beginning", async () => {
    const json = { prompt: "%error 400", stream: true };
    const { id, status, text } = await answerOf(
      await edge.fetch("/claude-code", { account, json }),
    );
    expect([status, text.includes(id)]).toEqual([200, true]);
    const entries = await log.with({ request_id: id }, 2);
    const failed = entries.filter(({ error }) => error !== undefined);
    expect(failed).toMatchObject([{ error: { code: "model_invalid_request" } }]);
    expect(entries.filter(({ status: answered }) => answered === 200)).toHaveLength(1);
  });
});

test("a turn and its container say that they start and end, with whose they are", async () => {
  const client = edge.client("logs-turn");
  const session = await client.sessions.create({});
  const { turnId: id } = await session.send("%say Hi.");
  const [started] = await log.with({ message: "turn started", turn: id });
  const [ended] = await log.with({ message: "turn ended", turn: id });
  const subject = { account: "logs-turn", session: session.id, container: "logs-turn" };
  expect(started).toMatchObject({ level: "info", ...subject, queued_ms: expect.any(Number) });
  expect(ended).toMatchObject({ level: "info", ...subject, status: "completed" });
  expect(ended!.cost_usd).toBeGreaterThan(0);
  const [container] = await log.with({ message: "container started", container: "logs-turn" });
  expect(container).toMatchObject({ level: "info", account: "logs-turn" });
  expect(container!.duration_ms).toBeGreaterThan(0);
  const [runner] = await log.with({ message: "process ready", turn: id });
  expect(runner).toMatchObject({ container: "logs-turn", session: session.id, process: "new" });
});

test("nothing that anybody sent or got is in the log", async () => {
  const canary = (what: string) => `canary-${what}-${randomUUID()}`;
  const [prompt, answer, secret] = [canary("prompt"), canary("answer"), canary("secret")];
  const [file, header, name] = [canary("file"), canary("header"), canary("name")];
  const client = edge.client("logs-canary");
  await client.secrets.set("CANARY", { value: secret, hosts: ["api.example.com"] });
  const session = await client.sessions.create({
    title: name,
    allowedTools: ["Bash", "Read"],
    // Then the agent's process writes all it does to standard error.
    debug: true,
    stderr: true,
    mcpServers: {
      tools: { type: "http", url: "http://127.0.0.1:9/", headers: { authorization: header } },
    },
  });
  await session.files.put("notes.md", file);
  const bash = JSON.stringify({ command: `cat notes.md; echo ${prompt} >&2; env; exit 1` });
  const read = JSON.stringify({ file_path: "notes.md" });
  const ask = (...lines: string[]) => Promise.resolve(session.send(lines.join("\n")));
  await ask(`%tool Bash ${bash}`, `%tool Read ${read}`, `%say ${answer}`, `# ${prompt}`);
  await ask(`%error 400`, `# ${prompt}`).catch(() => {});
  await ask(`%refuse`, `# ${prompt}`).catch(() => {});
  // Refused, each in words that quote it.
  const sent: [string, RequestInit & { json?: unknown }][] = [
    [`/v1/sessions/${session.id}/files/${prompt}/x?${prompt}`, {}],
    [`/v1/${prompt}`, {}],
    ["/v1/query", { json: { prompt, [prompt]: 1 } }],
    ["/v1/query", { method: "POST", body: `{"prompt": ${prompt}` }],
    ["/v1/secrets", { json: { name: prompt, value: secret, hosts: [prompt] } }],
    ["/v1/messages", { json: { model: prompt, messages: prompt } }],
  ];
  for (const [path, init] of sent) {
    const { id } = await answerOf(await edge.fetch(path, { account: "logs-canary", ...init }));
    await log.with({ request_id: id });
  }
  await log.with({ message: "turn ended", session: session.id }, 3);
  for (const held of [prompt, answer, secret, file, header, name, edge.stack.token]) {
    expect(log.text).not.toContain(held);
  }
  expect(log.text).not.toContain("[DEBUG]");
  // The log is not merely empty.
  expect((await log.with({ session: session.id })).length).toBeGreaterThan(8);
});
