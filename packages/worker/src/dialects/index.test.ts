import { describe, expect, test } from "vitest";

import { ask, TAKEN } from "../../test/support/dialect-request.js";

const SESSION = "00000000-0000-4000-8000-000000000000";

const PATHS = [
  ["POST", "/query"],
  ["POST", "/claude-code"],
  ["GET", "/"],
  ["GET", "/debug"],
  ["POST", "/stream"],
  ["POST", "/conversations"],
  ["GET", "/conversations"],
  ["GET", `/conversations/${SESSION}`],
  ["DELETE", `/conversations/${SESSION}`],
  ["GET", "/api/health"],
  ["POST", "/api/generate"],
  ["GET", "/api/sessions"],
  ["POST", `/api/sessions/${SESSION}/cancel`],
] as const;

describe.each(PATHS)("%s %s", (method, path) => {
  test.each(["messages", ""])("is not there with %j", async (dialects) => {
    expect(await ask(dialects, method, path)).toMatchObject({
      status: 404,
      error: { code: "not_found" },
    });
  });
});

describe("what clients of the Messages API look for and is not served", () => {
  test.each([
    ["POST", "/v1/messages/batches", 404, "not_found_error", "not_found"],
    ["GET", "/v1/messages/batches/msgbatch_1/results", 404, "not_found_error", "not_found"],
    ["GET", "/v1/messages", 405, "invalid_request_error", "method_not_allowed"],
    ["DELETE", "/v1/models/claude-haiku-4-5", 405, "invalid_request_error", "method_not_allowed"],
  ])("%s %s is told in that API's form", async (method, path, status, type, code) => {
    expect(await ask("messages", method, path)).toMatchObject({
      status,
      type: "error",
      error: { type, code, details: { error_code: code } },
      request_id: expect.stringMatching(/^req_/),
    });
    // Without the dialect it is a path like any other.
    const other = await ask("query", method, path);
    expect(other).toMatchObject({ status: 404, error: { code: "not_found", retryable: false } });
  });

  test.each(["/v1/messagesx", "/v1/message", "/v1/sessions/a/messages"])(
    "but %s is none of it",
    async (path) => {
      const { error } = await ask("messages", "POST", path);
      expect(error).toMatchObject({ code: "not_found", retryable: false });
    },
  );
});

test.each([
  ["POST", "/v1/messages"],
  ["POST", "/v1/messages/count_tokens"],
  ["GET", "/v1/models"],
  ["GET", "/v1/models/claude-haiku-4-5"],
])("%s %s is not there without messages", async (method, path) => {
  expect(await ask("query,studio", method, path)).toMatchObject({
    status: 404,
    error: { code: "not_found" },
  });
});

describe("query alone", () => {
  const query = (body: object) => ask("query", "POST", "/query", body);

  test("takes a prompt too, and checks it", async () => {
    const taken = { ...TAKEN, success: false, error: expect.any(String) };
    expect(await query({ query: "Hi" })).toMatchObject(taken);
    expect(await query({ prompt: "Hi" })).toMatchObject(taken);
    expect(await query({ prompt: "" })).toMatchObject({ success: false, code: "prompt_empty" });
    expect(await query({ prompt: "x", max_turns: 1 })).toMatchObject({
      success: false,
      code: "invalid_request",
    });
  });

  test("leaves the others' paths away", async () => {
    expect(await ask("query", "POST", "/stream")).toMatchObject({ status: 404 });
    expect(await ask("query", "GET", "/query")).toMatchObject({
      status: 405,
      error: { message: "/query takes POST, not GET." },
    });
  });
});

test("conversations alone checks every body of POST /query in its own words", async () => {
  const query = (body: object) => ask("conversations", "POST", "/query", body);
  const detail = expect.any(String);
  expect(await query({ prompt: "Hi" })).toMatchObject({ ...TAKEN, detail });
  expect(await query({ query: "x" })).toMatchObject({ status: 400, detail });
});

// Whatever the order in which they are named.
test.each([" conversations , query", "query,conversations"])(
  "POST /query of %j: a body with a prompt is a conversation's, any other the query's",
  async (dialects) => {
    const query = (body: unknown) => ask(dialects, "POST", "/query", body);
    const detail = { detail: expect.any(String) };
    const error = { success: false, error: expect.any(String) };
    expect(await query({ prompt: "Hi" })).toMatchObject({ ...TAKEN, ...detail });
    expect(await query({ query: "Hi" })).toMatchObject({ ...TAKEN, ...error });
    expect(await query({ prompt: "x", query: "y" })).toMatchObject({ status: 400, ...detail });
    expect(await query({ prompt: 5 })).toMatchObject({ status: 400, ...detail });
    for (const body of [{}, { query: 5 }, ["prompt"]]) {
      expect(await query(body)).toMatchObject({ status: 400, ...error });
    }
  },
);

test("a dialect that is none is named, in every answer", async () => {
  const answer = await ask("studio, mesages", "GET", "/api/sessions");
  expect(answer).toMatchObject({ status: 503, error: { code: "setting_invalid" } });
  expect(JSON.stringify(answer)).toContain("mesages");
});
