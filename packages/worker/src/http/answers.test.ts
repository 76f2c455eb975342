import { EdgeError, ERRORS, type ErrorCode, type TurnResource } from "@claude-edge/protocol";
import { afterEach, describe, expect, test, vi } from "vitest";

import { errorAnswer, turnAnswer } from "./answers.js";

const ID = "req_1";

const bodyOf = async (answer: Response) => (await answer.json()) as Record<string, unknown>;

const turn = (changed: object): TurnResource =>
  ({
    id: "t",
    session_id: "s",
    status: "completed",
    created_at: "2026-11-29T12:00:00.000Z",
    ...changed,
  }) as TurnResource;

describe("a turn that has ended", () => {
  test("well, is itself", async () => {
    const answer = turnAnswer(turn({}), ID);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-request-id")).toBe(ID);
    expect(await bodyOf(answer)).toEqual(turn({}));
  });

  test("waits for an answer: accepted, not done", () => {
    expect(turnAnswer(turn({ status: "waiting" }), ID).status).toBe(202);
  });

  test.each<[ErrorCode, number, boolean]>([
    ["model_auth_failed", 502, false],
    ["model_not_found", 502, false],
    ["model_invalid_request", 502, false],
    ["model_rate_limited", 503, true],
    ["model_overloaded", 503, true],
    ["model_error", 502, true],
    ["model_refused", 422, false],
  ])("with %s: %d", async (code, status, retryable) => {
    const error = { code, message: "No.", retryable: ERRORS[code].retryable, details: { x: 1 } };
    const answer = turnAnswer(turn({ status: "failed", error }), ID);
    expect(answer.status).toBe(status);
    expect(await bodyOf(answer)).toEqual({
      type: "error",
      error: { ...error, retryable, details: { x: 1, session_id: "s", turn_id: "t" } },
      request_id: ID,
    });
  });
});

describe("what was thrown", () => {
  afterEach(() => void vi.restoreAllMocks());

  test("an error of ours: its status, and when to come back if it knows", async () => {
    const error = new EdgeError("rate_limited", "Too many.", { retry_after_s: 7 });
    const answer = errorAnswer(error, ID);
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("7");
    expect(await bodyOf(answer)).toMatchObject({
      type: "error",
      error: { code: "rate_limited", message: "Too many.", retryable: true },
      request_id: ID,
    });
    expect(errorAnswer(new EdgeError("not_found", "x"), ID).headers.has("retry-after")).toBe(false);
  });

  test("a Durable Object with too much to do: when to come back", async () => {
    const thrown = Object.assign(new Error("a secret"), { overloaded: true, retryable: true });
    const answer = errorAnswer(thrown, ID);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(await bodyOf(answer)).toMatchObject({
      error: { code: "overloaded", message: "The deployment has too much to do." },
    });
  });

  test("an object of another version", async () => {
    const thrown = new TypeError('The RPC receiver does not implement the method "newest".');
    const answer = errorAnswer(thrown, ID);
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({ error: { code: "version_skew" } });
  });

  test("anything else, with no word of it to the caller", async () => {
    for (const thrown of [new Error("a secret"), "a secret", undefined, { code: "a secret" }]) {
      const answer = errorAnswer(thrown, ID);
      expect(answer.status).toBe(500);
      expect(JSON.stringify(await bodyOf(answer))).not.toContain("secret");
    }
  });
});
