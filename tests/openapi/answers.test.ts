/** What a deployment answers is what its OpenAPI document says. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeAll, expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const edge = useStack();
const ACCOUNT = "openapi-answers";

type Json = Record<string, unknown>;
interface Document extends Json {
  paths: Record<string, Record<string, { responses: Record<string, Json> }>>;
}

let document: Document;
let ajv: Ajv2020;

beforeAll(async () => {
  const answer = await fetch(new URL("/v1/openapi.json", edge.stack.url));
  document = (await answer.json()) as Document;
  // Formats, discriminators and our own words are notes for people and generators.
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, "openapi");
});

/** Where answers are other than the document says. */
let problems: unknown[] = [];
afterEach(() => {
  problems = [];
});

/** Calls a route of the document, and compares the answer with the schema for its status. */
async function call(
  route: string,
  { path, body }: { path?: string; body?: Json } = {},
): Promise<Json> {
  const [method = "", template = ""] = route.split(" ");
  const json = body && { json: body };
  const answer = await edge.fetch(path ?? template, { method, account: ACCOUNT, ...json });
  const operation = ["paths", template, method.toLowerCase(), "responses"];
  const { responses } = document.paths[template]![method.toLowerCase()]!;
  const status = String(answer.status);
  if (answer.ok && !(status in responses)) problems.push({ route, status });
  if (answer.status === 204) return {};
  const value = (await answer.json()) as Json;
  const steps = answer.ok
    ? [...operation, status, "content", "application/json", "schema"]
    : ["components", "schemas", "Error"];
  const pointer = steps.map((step) => encodeURIComponent(step.replaceAll("/", "~1"))).join("/");
  if (!ajv.validate({ $ref: `openapi#/${pointer}` }, value)) {
    problems.push({ route, errors: ajv.errors, value });
  }
  return value;
}

test("the document is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
});

test("sessions, turns, events and files", async () => {
  const body = {
    prompt: '%think Hm.\n%tool Bash {"command":"echo 1 > one"}\n%say Done.',
    options: { allowedTools: ["Bash"], model: "claude-haiku-4-5" },
  };
  const turn = await call("POST /v1/query", { body });
  const session = `/v1/sessions/${String(turn.session_id)}`;
  const under = (rest = "") => ({ path: session + rest });
  await call("GET /v1/sessions");
  await call("GET /v1/sessions/{id}", under());
  await call("PATCH /v1/sessions/{id}", { ...under(), body: { title: "One", tags: ["a"] } });
  await call("GET /v1/sessions/{id}/turns", under("/turns"));
  await call("GET /v1/sessions/{id}/turns/{turn}", under(`/turns/${String(turn.id)}`));
  await call("GET /v1/sessions/{id}/turns/{turn}/trace", under(`/turns/${String(turn.id)}/trace`));
  const { events } = (await call("GET /v1/sessions/{id}/events", under("/events"))) as {
    events: { kind: string }[];
  };
  expect(events.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(["turn", "message", "checkpoint"]),
  );
  await call("GET /v1/sessions/{id}/files", under("/files"));
  await call("GET /v1/sessions/{id}/diff", under("/diff"));
  await call("GET /v1/sessions/{id}/checkpoints", under("/checkpoints"));
  await call("GET /v1/sessions/{id}/network", under("/network"));
  await call("POST /v1/sessions/{id}/turns", { ...under("/turns"), body: { prompt: "%say 2." } });
  await call("POST /v1/sessions/{id}/interrupt", { ...under("/interrupt"), body: {} });
  await call("POST /v1/sessions/{id}/fork", { ...under("/fork"), body: { turn_id: turn.id } });
  await call("DELETE /v1/sessions/{id}/files/{path}", under("/files/one"));
  await call("POST /v1/sessions/{id}/rewind", { ...under("/rewind"), body: { turn_id: turn.id } });
  await call("GET /v1/sessions/{id}/events", under("/events"));
  await call("DELETE /v1/sessions/{id}", under());
  await call("GET /v1/sessions/{id}", under());
  expect(problems).toEqual([]);
});

test("requests", async () => {
  const session = await call("POST /v1/sessions", {
    body: { options: { permissionMode: "default", canUseTool: true } },
  });
  const id = String(session.id);
  const prompt = '%tool Bash {"command":"touch here"}\n%say Done.';
  const turn = edge.client(ACCOUNT).sessions.open(id).send(prompt);
  for await (const { kind } of turn) if (kind === "request") break;
  const { requests } = (await call("GET /v1/requests")) as { requests: { id: string }[] };
  const path = `/v1/requests/${requests[0]!.id}`;
  await call("GET /v1/requests/{request}", { path });
  await call("POST /v1/requests/{request}", { path, body: { answer: { behavior: "allow" } } });
  await call("POST /v1/requests/{request}", { path, body: { answer: { behavior: "deny" } } });
  await call("GET /v1/sessions/{id}/requests", { path: `/v1/sessions/${id}/requests` });
  await call("GET /v1/sessions/{id}/events", { path: `/v1/sessions/${id}/events` });
  expect(problems).toEqual([]);
});

test("the account, its tokens, secrets, webhooks and feed", async () => {
  await call("GET /health");
  await call("GET /v1/status");
  await call("GET /v1/usage", { path: "/v1/usage?group=model" });
  await call("GET /v1/limits");
  await call("PATCH /v1/limits", { body: { max_sessions: 50 } });
  await call("GET /v1/network");
  await call("PUT /v1/network", { body: { policy: { type: "limited" } } });
  await call("PUT /v1/network", { body: { policy: null } });
  const token = await call("POST /v1/tokens", { body: { name: "Mine" } });
  await call("GET /v1/tokens");
  await call("DELETE /v1/tokens/{token}", { path: `/v1/tokens/${String(token.id)}` });
  const path = "/v1/secrets/A_KEY";
  await call("PUT /v1/secrets/{name}", { path, body: { value: "x", hosts: ["a.example.com"] } });
  await call("GET /v1/secrets");
  await call("DELETE /v1/secrets/{name}", { path });
  const webhook = await call("POST /v1/webhooks", { body: { url: "https://example.com/hook" } });
  const of = (rest = "") => ({ path: `/v1/webhooks/${String(webhook.id)}${rest}` });
  await call("GET /v1/webhooks");
  await call("GET /v1/webhooks/{webhook}", of());
  await call("PATCH /v1/webhooks/{webhook}", { ...of(), body: { enabled: false } });
  await call("POST /v1/webhooks/{webhook}/rotate", { ...of("/rotate"), body: {} });
  await call("GET /v1/webhooks/{webhook}/deliveries", of("/deliveries"));
  await call("POST /v1/webhooks/{webhook}/resend", { ...of("/resend"), body: {} });
  await call("DELETE /v1/webhooks/{webhook}", of());
  await call("GET /v1/feed", { path: "/v1/feed?after=0" });
  await call("GET /v1/accounts");
  await call("GET /v1/accounts/{account}", { path: `/v1/accounts/${ACCOUNT}` });
  expect(problems).toEqual([]);
});
