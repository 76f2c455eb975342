import type { TranscriptEntry } from "@claude-edge/protocol/runner";
import { describe, expect, test } from "vitest";

import { deferTool } from "./deferred-tool.js";

type Entry = TranscriptEntry["entry"];

const entry = (uuid: string, id: string, content: unknown, more = {}): Entry => ({
  type: "assistant",
  uuid,
  cwd: "/workspace",
  sessionId: "session",
  version: "2.1.328",
  userType: "external",
  message: { id, content },
  ...more,
});
const use = (id: string, name = "Bash") => ({ type: "tool_use", id, name, input: { of: id } });
const result = (id: string) => ({ type: "tool_result", tool_use_id: id, content: "done" });

describe("a tool use whose process is gone", () => {
  test("is deferred as a hook would have, behind the transcript's last entry", () => {
    const made = deferTool([entry("a", "m1", [use("one")])], "one")!;
    expect(made).toHaveLength(1);
    expect(made[0]).toMatchObject({
      type: "attachment",
      parentUuid: "a",
      isSidechain: false,
      uuid: expect.stringMatching(/^[\da-f-]{36}$/),
      timestamp: expect.stringMatching(/^\d{4}-/),
      cwd: "/workspace",
      sessionId: "session",
      version: "2.1.328",
      attachment: {
        type: "hook_deferred_tool",
        toolUseID: "one",
        toolName: "Bash",
        toolInput: { of: "one" },
        hookEvent: "PreToolUse",
      },
    });
  });

  test("is found beside what is no block: a container may store anything", () => {
    expect(deferTool([entry("a", "m1", [null, "x", use("one"), 7])], "one")).toHaveLength(1);
  });

  test("has the calls beside it answered for, each behind the other", () => {
    const made = deferTool(
      [
        entry("a", "m1", [use("one")]),
        // The Agent SDK writes an entry for each block of a message.
        entry("b", "m1", [use("two")]),
        entry("c", "m1", [use("three")]),
        entry("d", "m1", [result("three")], { type: "user" }),
      ],
      "one",
    )!;
    expect(made).toHaveLength(2);
    const [sibling, deferred] = made as [Entry, Entry];
    expect(sibling).toMatchObject({
      type: "user",
      parentUuid: "d",
      sourceToolAssistantUUID: "b",
      message: { content: [{ type: "tool_result", tool_use_id: "two", is_error: true }] },
    });
    expect(JSON.stringify(sibling)).toContain("call it again if it is still needed");
    expect(deferred.parentUuid).toBe(sibling.uuid);
  });

  test("leaves open calls of other answers as they are", () => {
    const made = deferTool([entry("a", "m1", [use("old")]), entry("b", "m2", [use("one")])], "one");
    expect(made).toHaveLength(1);
  });

  test("is not found where it has its result, was never called, or is a subagent's", () => {
    const called = entry("a", "m1", [use("one")]);
    expect(deferTool([], "one")).toBeUndefined();
    expect(deferTool([called], "two")).toBeUndefined();
    expect(deferTool([called, entry("b", "m2", [result("one")])], "one")).toBeUndefined();
    expect(deferTool([{ ...called, isSidechain: true }], "one")).toBeUndefined();
  });

  test("passes over entries without an id or with a plain text", () => {
    const noise: Entry[] = [
      { type: "summary", summary: "x" },
      entry("t", "m0", "a plain text"),
      { type: "user", uuid: "u" },
    ];
    const made = deferTool([...noise, entry("a", "m1", [use("one")]), ...noise.slice(2)], "one")!;
    expect(made[0]!.parentUuid).toBe("u");
  });

  test("can be deferred again", () => {
    const transcript = [entry("a", "m1", [use("one"), use("two")])];
    const first = deferTool(transcript, "one")!;
    const second = deferTool([...transcript, ...first], "one")!;
    // The call beside it has its result by now.
    expect(second).toHaveLength(1);
    expect(second[0]!.parentUuid).toBe(first.at(-1)!.uuid);
  });
});
