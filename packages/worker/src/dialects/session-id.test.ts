import { SESSION_ID } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import { sessionIdOf } from "./session-id.js";

const UUID = "93fcd8f0-b476-41d9-9707-b71cc7b80ff4";

test("a UUID is the session's id itself", async () => {
  expect(await sessionIdOf("ada", UUID)).toBe(UUID);
});

test.each(["demo-abc123", "session_1", "x", "é😀", "a".repeat(256), `${UUID}0`, ""])(
  "%j stands for a UUID of version 8, the same one each time",
  async (id) => {
    const session = await sessionIdOf("ada", id);
    expect(session).toMatch(SESSION_ID);
    expect(session[14]).toBe("8");
    expect(await sessionIdOf("ada", id)).toBe(session);
  },
);

test("another name and another account come to another session", async () => {
  const sessions = await Promise.all([
    sessionIdOf("ada", "demo"),
    sessionIdOf("ada", "demo2"),
    sessionIdOf("bob", "demo"),
  ]);
  expect(new Set(sessions).size).toBe(3);
});
