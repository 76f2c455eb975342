import type { ClaudeEdgeError, RequestInfo, ResponseInfo } from "@claude-edge/client";
import { expect, test } from "vitest";

import { deployment, error, failureOf, stream, WHOLE } from "./deployment.js";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const PROMPT = "a prompt that is nobody's business";

test("hooks see every request and answer, and may add headers but not change the client's own", async () => {
  const sent: RequestInfo[] = [];
  const answered: ResponseInfo[] = [];
  const headers: Record<string, unknown>[] = [];
  const edge = await deployment(
    (response, request, count) => {
      headers.push(request.headers);
      if (count === 1)
        return error(response, 503, "container_unavailable", true, { "retry-after": "0" });
      return stream(response).end(WHOLE.join(""));
    },
    {
      account: "ada",
      onRequest: (request) => {
        sent.push(request);
        request.headers.set("x-own", String(request.attempt));
        request.headers.set("authorization", "Bearer another");
        request.headers.set("x-account-id", "another");
      },
      onResponse: (response) => answered.push(response),
    },
  );
  await edge.query(PROMPT, { traceparent: TRACE });
  expect(sent.map(({ method, path, attempt }) => [method, path, attempt])).toEqual([
    ["POST", "/v1/query", 0],
    ["POST", "/v1/query", 1],
  ]);
  expect(answered.map(({ status, requestId }) => [status, requestId])).toEqual([
    [503, "req_1"],
    [200, "req_1"],
  ]);
  expect(answered[0]!.durationMs).toBeGreaterThanOrEqual(0);
  expect(headers[1]).toMatchObject({
    "x-own": "1",
    authorization: "Bearer key",
    "x-account-id": "ada",
    traceparent: TRACE,
  });
});

test("a logger is told of requests and repetitions, and of nothing that is secret", async () => {
  const lines: string[] = [];
  const write = (...of: unknown[]) => void lines.push(JSON.stringify(of));
  const edge = await deployment(
    (response, _request, count) =>
      count === 1
        ? error(response, 503, "container_unavailable", true, { "retry-after": "0" })
        : stream(response).end(WHOLE.join("")),
    { token: "ce_secret_token", logger: { debug: write, warn: write } },
  );
  await edge.query(PROMPT, { idempotencyKey: "my-key" });
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain("POST /v1/query 503");
  expect(lines[1]).toContain("trying again");
  expect(lines[2]).toContain("req_1");
  for (const secret of ["ce_secret_token", PROMPT, "my-key"]) {
    expect(lines.join("\n")).not.toContain(secret);
  }
});

test("every error of an answer has the id of its request", async () => {
  const failures: (ClaudeEdgeError | undefined)[] = [];
  const refused = await deployment((response) => error(response, 404, "session_not_found", false));
  failures.push(await failureOf(refused.sessions.open("a").retrieve()));
  const odd = await deployment((response) =>
    response
      .writeHead(200, { "x-request-id": "req_1", "content-type": "text/html" })
      .end("<h1>Log in</h1>"),
  );
  failures.push(await failureOf(odd.sessions.open("a").retrieve()));
  const gateway = await deployment(
    (response) => response.writeHead(502, { "x-request-id": "req_1" }).end(),
    { maxRetries: 0 },
  );
  failures.push(await failureOf(gateway.sessions.open("a").retrieve()));
  expect(failures.map((failure) => failure?.requestId)).toEqual(["req_1", "req_1", "req_1"]);
});
