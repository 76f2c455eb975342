/** What others make of `GET /v1/openapi.json`: a typed client from a generator, which talks to a real stack. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { mintToken } from "@claude-edge/client/tokens";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ROOT, runNode, typeCheck } from "../docs/run.js";
import { useStack } from "../support/stack.js";

const edge = useStack();
/** Below the repository's folder, so that its packages are found. */
const folder = join(ROOT, "tests/.test-projects/openapi");
const generator = "tests/openapi/generator/node_modules/openapi-typescript/bin/cli.js";
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
import createClient from "openapi-fetch";
import type { components, paths } from "./claude-edge.ts";

const { CLAUDE_EDGE_URL: baseUrl = "", CLAUDE_EDGE_TOKEN: token = "" } = process.env;
const headers = { authorization: \`Bearer \${token}\` };
const client = createClient<paths, "application/json">({ baseUrl, headers });

const asked = await client.POST("/v1/query", {
  body: { prompt: "%say Hello.", title: "From OpenAPI", options: { maxTurns: 3 } },
});
if (asked.error) throw new Error(asked.error.error.code);
const { session_id, status, result } = asked.data;
console.log(status, result?.text);

const listed = await client.GET("/v1/sessions", { params: { query: { limit: 5, title: "openapi" } } });
console.log(listed.data?.sessions.map(({ id }) => id === session_id));

function describe(event: components["schemas"]["Event"]): string {
  switch (event.kind) {
    case "turn":
      return \`turn \${event.status}\`;
    case "message":
      return \`message \${event.message.type}\`;
    case "request":
      return \`request \${event.request.kind}\`;
    default:
      return event.kind;
  }
}
const log = await client.GET("/v1/sessions/{id}/events", { params: { path: { id: session_id } } });
console.log(log.data?.events.map(describe).join(", "));

const missing = await client.GET("/v1/sessions/{id}", {
  params: { path: { id: "00000000-0000-4000-8000-000000000000" } },
});
console.log(missing.response.status, missing.error?.error.code);
`;

/** What the types must not allow. */
const WRONG = `
import createClient from "openapi-fetch";
import type { components, paths } from "./claude-edge.ts";

const client = createClient<paths, "application/json">();
// @ts-expect-error A prompt is required.
await client.POST("/v1/query", { body: {} });
// @ts-expect-error It is a number.
await client.POST("/v1/sessions", { body: { options: { maxTurns: "three" } } });
// @ts-expect-error There is no such status.
await client.GET("/v1/sessions", { params: { query: { status: "asleep" } } });
declare const event: components["schemas"]["Event"];
// @ts-expect-error Not every event has a message.
event.message;
`;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const answer = await fetch(new URL("/v1/openapi.json", edge.stack.url));
  writeFileSync(join(folder, "openapi.json"), await answer.text());
  const files = ["openapi.json", "claude-edge.ts"].map((name) => join(folder, name));
  const { code, printed } = await runNode([generator, files[0]!, "--output", files[1]!]);
  if (code !== 0) throw new Error(printed);
  writeFileSync(join(folder, "program.ts"), PROGRAM);
  writeFileSync(join(folder, "wrong.ts"), WRONG);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(ROOT, "tests/tsconfig.json"), include: ["*.ts"], exclude: [] }),
  );
});

test("its types take what the API takes, and nothing else", async () => {
  expect(await typeCheck(folder)).toEqual({ code: 0, printed: "" });
});

test("it queries, lists and reads", async () => {
  const { url, token: rootKey } = edge.stack;
  const token = await mintToken({ rootKey, account: "openapi" });
  const env = { CLAUDE_EDGE_URL: url, CLAUDE_EDGE_TOKEN: token, NO_COLOR: "1" };
  const ran = await runNode([join(folder, "program.ts")], { env });
  expect(ran.printed.split("\n")).toEqual([
    "completed Hello.",
    "[ true ]",
    expect.stringMatching(
      /^turn queued, turn running, .*message assistant.*, turn completed(, message \w+)*$/,
    ),
    "404 session_not_found",
    "",
  ]);
});
