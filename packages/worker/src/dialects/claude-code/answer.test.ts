import { EdgeError, type EdgeEvent } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { all, reading, recorded, stored } from "../../../test/support/turns.js";
import { answerOf, linesOf, messagesOf } from "./answer.js";

const lines = async (events: EdgeEvent[], failure?: Error) => {
  const text = await all(linesOf(reading(events, failure), "req_1"));
  return text.map((line) => {
    expect(line.endsWith("\n")).toBe(true);
    return JSON.parse(line) as Record<string, unknown>;
  });
};

describe("a turn's lines", () => {
  test("are its whole messages unchanged, the result last", async () => {
    for (const name of ["text", "tools", "subagent"] as const) {
      const events = recorded(name);
      const messages = events.flatMap((event) => (event.kind === "message" ? event.message : []));
      expect(await lines(events)).toEqual(messages);
      expect(messages.at(-1)).toMatchObject({ type: "result", is_error: false });
      // They are the same when it is over, and its pieces are gone.
      expect(await lines(stored(events))).toEqual(messages);
    }
  });

  test.each([
    ["error", "model_invalid_request", "success"],
    ["refusal", "model_refused", "success"],
    ["max-turns", "max_turns", "error_max_turns"],
  ] as const)("of an %s end with it, and hold no result", async (name, code, subtype) => {
    const events = recorded(name);
    // What the Agent SDK calls a success may be none.
    const result = events.find(
      (event) => event.kind === "message" && event.message.type === "result",
    );
    expect(result).toMatchObject({ message: { subtype } });
    const told = await lines(events);
    expect(told.filter(({ type }) => type === "result")).toEqual([]);
    expect(told.at(-1)).toMatchObject({
      type: "error",
      error: code,
      code,
      message: expect.any(String),
      retryable: false,
      details: { session_id: expect.any(String), turn_id: events[0]!.turn_id },
      request_id: "req_1",
    });
  });

  test("that break off end with an error", async () => {
    const events = recorded("text").slice(0, -1);
    const lost = new EdgeError("container_lost", "The container is gone.");
    const told = await lines(events, lost);
    expect(told.at(-1)).toMatchObject({ type: "error", code: "container_lost", retryable: true });
    expect(told.filter(({ type }) => type === "result")).toEqual([]);
  });
});

test("a completed turn without a result is an error", async () => {
  const events = recorded("text").filter(
    (event) => event.kind !== "message" || event.message.type !== "result",
  );
  await expect(all(messagesOf(reading(events)))).rejects.toThrow("without a result");
});

describe("a turn in one piece", () => {
  test("is its result, with cost and the session's folder", async () => {
    // The recording's own folder was left out of it.
    const events = recorded("text").map((event) =>
      event.kind === "message" && event.message.subtype === "init"
        ? { ...event, message: { ...event.message, cwd: "/workspace/a" } }
        : event,
    );
    const answer = await answerOf(reading(events), false);
    expect(answer).toMatchObject({
      type: "result",
      cost_usd: answer.total_cost_usd,
      sessionPath: "/workspace/a",
    });
    expect(answer).not.toHaveProperty("messages");
  });

  test("has all messages when they are wanted", async () => {
    const messages = await all(messagesOf(reading(recorded("tools"))));
    expect((await answerOf(reading(recorded("tools")), true)).messages).toEqual(messages);
  });

  test("is an error when the turn failed, or its events break off", async () => {
    await expect(answerOf(reading(recorded("error")), false)).rejects.toMatchObject({
      code: "model_invalid_request",
    });
    await expect(answerOf(reading(recorded("text").slice(0, -1)), false)).rejects.toThrow(
      "broke off",
    );
  });
});
