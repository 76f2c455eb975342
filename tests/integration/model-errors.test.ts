import { TurnError } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const edge = useStack();

describe("a model error is a failed turn with a code, never an answer", () => {
  test.each([
    ["%error 401", "model_auth_failed", false, 502],
    ["%error 404", "model_not_found", false, 502],
    ["%error 400", "model_invalid_request", false, 502],
    ["%error 429", "model_rate_limited", true, 503],
    ["%error 529", "model_overloaded", true, 503],
    ["%error 500", "model_error", true, 502],
    ["%refuse", "model_refused", false, 422],
  ])("%s is %s", async (prompt, code, retryable, status) => {
    const error = await edge
      .client("errors")
      .query(prompt)
      .result()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TurnError);
    expect(error).toMatchObject({ code, retryable, turnStatus: "failed" });

    const response = await edge.fetch("/v1/query", { json: { prompt }, account: "errors" });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      type: "error",
      error: {
        code,
        retryable,
        details: { session_id: expect.any(String), turn_id: expect.any(String) },
      },
    });
  });

  test("an error that passes is retried and leaves no trace in the outcome", async () => {
    const { text } = await edge.client("passing").query("%error 529 1\n%say Made it.");
    expect(text).toBe("Made it.");
  });

  test("a stream that is cut once comes to the whole answer", async () => {
    const { text } = await edge.client("cut").query("%cut 1\n%say One two three four.");
    expect(text).toBe("One two three four.");
  });

  test("a session goes on after a failed turn", async () => {
    const session = await edge.client("after-error").sessions.create();
    await expect(session.send("%error 400")).rejects.toBeInstanceOf(TurnError);
    expect((await session.send("%say Fine.")).text).toBe("Fine.");
  });

  test("running out of turns and of money are failures of their own", async () => {
    const tool = '%tool Bash {"command":"true"}';
    const prompt = [tool, "%say a", tool, "%say b", tool, "%say c"].join("\n");
    await expect(edge.client("limits").query(prompt, { maxTurns: 1 })).rejects.toMatchObject({
      code: "max_turns",
    });
    await expect(
      edge.client("limits").query(prompt, { maxBudgetUsd: 0.001 }),
    ).rejects.toMatchObject({
      code: "max_budget",
    });
  });
});
