import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { expect, test } from "vitest";

import { placeOf } from "./follow-up.js";

const place = (message: object) => placeOf(message as SDKMessage, "t");

test("what comes before a turn's prompt is taken up is of what tasks caused", () => {
  expect(place({ type: "system", subtype: "init" })).toBe("before");
  expect(place({ type: "assistant" })).toBe("before");
  expect(place({ type: "assistant", user_message_uuid: "other" })).toBe("before");
  expect(place({ type: "result", origin: { kind: "task-notification" } })).toBe("before");
  expect(place({ type: "command_lifecycle", command_uuid: "other", state: "started" })).toBe(
    "before",
  );
});

test("a prompt that waits is not taken up yet", () => {
  expect(place({ type: "command_lifecycle", command_uuid: "t", state: "queued" })).toBe("queued");
});

test.each([
  { type: "command_lifecycle", command_uuid: "t", state: "started" },
  { type: "stream_event", user_message_uuid: "t" },
  { type: "result", user_message_uuid: "t", origin: { kind: "task-notification" } },
  { type: "result", user_message_uuid: "other" },
  { type: "result" },
])("%o is the turn's", (message) => {
  expect(place(message)).toBe("begun");
});
