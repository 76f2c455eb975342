import { EdgeError, ERRORS, type TurnEvent } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import { recorded } from "../../test/support/turns.js";
import { statusOf } from "../errors.js";
import { assertNeedsNoAnswers, completedBy } from "./turn.js";

const end = (name: Parameters<typeof recorded>[0]) => recorded(name).at(-1) as TurnEvent;

const failureOf = (event: TurnEvent): EdgeError => {
  try {
    completedBy(event);
  } catch (error) {
    return error as EdgeError;
  }
  throw new Error("it did not fail");
};

test("a turn goes on until its last event says what it came to", () => {
  const events = recorded("tools");
  expect(events.slice(0, -1).map(completedBy).filter(Boolean)).toEqual([]);
  expect(completedBy(events.at(-1)!)).toMatchObject({
    session_id: end("tools").session_id,
    result: { text: "Done so.", num_turns: 3 },
    usage: { output_tokens: 43 },
  });
});

test.each([
  ["error", "model_invalid_request", 502],
  ["refusal", "model_refused", 422],
  ["max-turns", "max_turns", 422],
] as const)("%s is no completed turn, but %s", (name, code, status) => {
  const error = failureOf(end(name));
  const { session_id, turn_id, error: own } = end(name);
  expect(error).toMatchObject({
    code,
    message: own!.message,
    details: { ...own!.details, session_id, turn_id },
  });
  expect(statusOf(error)).toBe(status);
});

test.each(
  Object.keys(ERRORS).filter((code) => /^(model_|container_|interrupted|budget)/.test(code)),
)("%s keeps its code", (code) => {
  const error = { code, message: "x", retryable: false };
  expect(failureOf({ ...end("error"), error })).toMatchObject({ code, message: "x" });
});

test("a code of a newer runner's is a failed turn", () => {
  const error = { code: "unheard_of", message: "x", retryable: false };
  expect(failureOf({ ...end("error"), error })).toMatchObject({
    code: "turn_failed",
    message: "x",
  });
});

test("a turn that waits for an answer has failed: no dialect can give one", () => {
  const { result: _result, ...event } = end("text");
  expect(failureOf({ ...event, status: "waiting" })).toMatchObject({
    code: "turn_failed",
    message: "The turn waits for an answer.",
  });
});

test("a session that asks its caller for permissions is refused", () => {
  const session = { id: "s", options: {} } as Parameters<typeof assertNeedsNoAnswers>[0];
  assertNeedsNoAnswers(session);
  const asking = { ...session, options: { canUseTool: true } } as typeof session;
  expect(() => assertNeedsNoAnswers(asking)).toThrow("asks for permissions");
});
