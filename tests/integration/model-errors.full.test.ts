import { TurnError, type Session } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const edge = useStack();
const account = "model-errors";

describe("a model error is a failed turn with a code, never an answer", () => {
  let session: Session;
  beforeAll(async () => {
    session = await edge.client(account).sessions.create();
  });

  // The status of each in an answer: packages/worker/src/http/answers.test.ts.
  test.each([
    ["%error 401", "model_auth_failed", false],
    ["%error 404", "model_not_found", false],
    ["%error 400", "model_invalid_request", false],
    ["%error 429", "model_rate_limited", true],
    ["%error 529", "model_overloaded", true],
    ["%error 500", "model_error", true],
    ["%refuse", "model_refused", false],
  ])("%s is %s, and the session goes on", async (prompt, code, retryable) => {
    const error = await session
      .send(prompt)
      .result()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TurnError);
    expect(error).toMatchObject({ code, retryable, turnStatus: "failed" });
    expect((await session.send("%say Fine.")).text).toBe("Fine.");
  });

  test("whoever asks over HTTP is answered with its status", async () => {
    const response = await edge.fetch("/v1/query", { json: { prompt: "%error 400" }, account });
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      type: "error",
      error: {
        code: "model_invalid_request",
        retryable: false,
        details: { session_id: expect.any(String), turn_id: expect.any(String) },
      },
    });
  });

  test("an error that passes is retried and leaves no trace in the outcome", async () => {
    expect((await session.send("%error 529 1\n%say Made it.")).text).toBe("Made it.");
  });

  test("a stream that is cut once comes to the whole answer", async () => {
    const { text } = await session.send("%cut 1\n%say One two three four.");
    expect(text).toBe("One two three four.");
  });

  test("running out of turns and of money are failures of their own", async () => {
    const tool = '%tool Bash {"command":"true"}';
    const prompt = [tool, "%say a", tool, "%say b", tool, "%say c"].join("\n");
    const client = edge.client(account);
    await expect(client.query(prompt, { maxTurns: 1 })).rejects.toMatchObject({
      code: "max_turns",
    });
    await expect(client.query(prompt, { maxBudgetUsd: 0.001 })).rejects.toMatchObject({
      code: "max_budget",
    });
  });
});
