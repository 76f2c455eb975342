import { PROTOCOL_HEADER } from "@claude-edge/protocol";
import type { LogEntry } from "@claude-edge/protocol/internal";
import { beforeEach, describe, expect, test } from "vitest";

import { ask, ROOT_KEY } from "../../test/support/ask.js";
import { captureLog } from "../../test/support/capture-log.js";

const SESSION = "9f8b0ae3-6f0c-4a55-9b56-0f0f5a1f0c11";
const TURN = "5c1f2d7e-6f0c-4a55-9b56-0f0f5a1f0c11";

let logged: LogEntry[] = [];
beforeEach(() => void (logged = captureLog()));

describe("the line of a request", () => {
  test("names its route, session and turn, the account, the answer and the answer's id", async () => {
    const headers = { "x-account-id": "ada" };
    const path = `/v1/sessions/${SESSION}/turns/${TURN}?canary=query`;
    const answer = await ask(path, { headers });
    expect(logged).toEqual([
      {
        level: "warn",
        time: expect.any(String),
        message: "request answered",
        method: "GET",
        route: "/v1/sessions/:id/turns/:turn",
        status: 409,
        duration_ms: expect.any(Number),
        request_id: answer.headers.get("x-request-id"),
        account: "ada",
        session: SESSION,
        turn: TURN,
        error: { code: "session_exists" },
      },
    ]);
  });

  test("is one for each error, whoever finds it", async () => {
    await ask("/none/canary");
    await ask("/v1/sessions/canary", { method: "PUT" });
    await ask("/v1/sessions", { headers: { authorization: "Bearer canary" } });
    await ask("/v1/sessions", { headers: { [PROTOCOL_HEADER]: "999" } });
    await ask("/v1/query", { json: { prompt: "canary", nothing: "canary" } });
    expect(logged.map(({ error, route, session }) => [error?.code, route, session])).toEqual([
      ["not_found", undefined, undefined],
      ["method_not_allowed", undefined, undefined],
      ["unauthorized", "/v1/sessions", undefined],
      ["protocol_mismatch", "/v1/sessions", undefined],
      ["invalid_request", "/v1/query", undefined],
    ]);
    expect(JSON.stringify(logged)).not.toContain("canary");
    expect(JSON.stringify(logged)).not.toContain(ROOT_KEY);
  });

  test("has the stack of what nobody foresaw", async () => {
    const broken = new Proxy({}, { get: () => () => Promise.reject(new Error("a bug")) });
    const objects = { getByName: () => broken } as never;
    await ask(`/v1/sessions/${SESSION}`, {}, { ACCOUNT: objects, SESSION: objects });
    expect(logged).toMatchObject([
      {
        level: "error",
        status: 500,
        error: {
          code: "internal",
          message: "Error: a bug",
          stack: expect.stringMatching(/^at .*request-log\.test/),
        },
      },
    ]);
  });
});

describe("by the settings", () => {
  const health = (env: Record<string, unknown>) => ask("/health", {}, env);

  test("a request without an error is one of a share, and an error always is there", async () => {
    await health({});
    await health({ CLAUDE_EDGE_LOG_SAMPLE: 0 });
    await health({ CLAUDE_EDGE_LOG_SAMPLE: "0.0" });
    await ask("/none", {}, { CLAUDE_EDGE_LOG_SAMPLE: 0 });
    expect(logged.map(({ status }) => status)).toEqual([200, 404]);
  });

  test("less important entries are left out", async () => {
    await health({ CLAUDE_EDGE_LOG_LEVEL: "warn" });
    await ask("/none", {}, { CLAUDE_EDGE_LOG_LEVEL: "warn" });
    await ask("/none", {}, { CLAUDE_EDGE_LOG_LEVEL: "error" });
    expect(logged.map(({ status }) => status)).toEqual([404]);
  });

  test("paths and what an error says are there when content may be", async () => {
    await ask("/none/canary?x=1", {}, { CLAUDE_EDGE_LOG_CONTENT: "true" });
    expect(logged).toMatchObject([
      {
        content: { path: "/none/canary?x=1" },
        error: { message: "There is no route GET /none/canary." },
      },
    ]);
  });

  test.each([
    [{ CLAUDE_EDGE_LOG_LEVEL: "verbose" }, "debug, info, warn, error"],
    [{ CLAUDE_EDGE_LOG_SAMPLE: "10%" }, "from 0 to 1"],
    [{ CLAUDE_EDGE_LOG_SAMPLE: 2 }, "from 0 to 1"],
    [{ CLAUDE_EDGE_LOG_CONTENT: "yes" }, "true or false"],
  ])("%j is refused", async (env, form) => {
    const answer = await ask("/v1/sessions", {}, env);
    expect(answer).toMatchObject({ status: 503, code: "setting_invalid" });
    expect(answer.message).toContain(form);
  });
});
