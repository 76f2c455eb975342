import { setImmediate } from "node:timers/promises";

import type { Options, PermissionResult } from "@anthropic-ai/claude-agent-sdk";
import type { CallbackAnswer, SessionOptions } from "@claude-edge/protocol";
import type { LogFrame, RequestFrame } from "@claude-edge/protocol/runner";
import { describe, expect, test } from "vitest";

import { withCallbacks, type CallbackContext } from "./callbacks.js";
import { EventLog } from "../log/event-log.js";
import { Requests } from "./requests.js";

type Ask = Exclude<Parameters<NonNullable<Options["canUseTool"]>>[2], undefined>;

function session(options: SessionOptions, more: Partial<CallbackContext> = {}) {
  const log = new EventLog("boot", 1_000_000);
  const requests = new Requests({ id: "s", lastTurn: "t" }, log, () => {});
  const stored: string[] = [];
  const context: CallbackContext = {
    requests,
    tunnels: new Map(),
    running: true,
    inBackground: false,
    answerTo: () => undefined,
    whenStored: async (toolUseId) => void stored.push(toolUseId),
    holdMs: 60_000,
    ...more,
  };
  const callbacks = withCallbacks(options, context);
  const asked = () =>
    log
      .read(0)
      .text.split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogFrame)
      .filter((frame): frame is RequestFrame => frame.kind === "request")
      .map(({ request }) => request);
  /** Waits for the next request and answers it. */
  const answer = async (given: CallbackAnswer) => {
    const before = answered;
    while (asked().length === before) await setImmediate();
    answered += 1;
    requests.answer(asked()[before]!.id, given);
  };
  let answered = 0;
  return { callbacks, asked, answer, stored, context };
}

const INPUT = { command: "ls" };
let calls = 0;
const permission = (
  { callbacks }: ReturnType<typeof session>,
  options: Partial<Ask> = {},
  tool = "Bash",
): Promise<PermissionResult | null> => {
  const { signal } = new AbortController();
  calls += 1;
  const how = { signal, toolUseID: "use", requestId: `request-${calls}`, ...options } as Ask;
  return callbacks.canUseTool!(tool, INPUT, how);
};

describe("a permission", () => {
  test("is asked for with what it is about, once it is in the stored transcript", async () => {
    const one = session({ canUseTool: true });
    const result = permission(one, { title: "Run it?" } as Partial<Ask>);
    await one.answer({ answer: { behavior: "allow" } });
    expect(await result).toEqual({ behavior: "allow", updatedInput: INPUT });
    expect(one.stored).toEqual(["use"]);
    expect(one.asked()).toMatchObject([
      {
        kind: "permission",
        payload: {
          tool_name: "Bash",
          tool_use_id: "use",
          input: INPUT,
          options: { title: "Run it?" },
        },
      },
    ]);
    expect(one.asked()[0]).not.toHaveProperty("held");
    expect(one.asked()[0]!.payload).not.toHaveProperty("agent_id");
  });

  test.each([
    ["a subagent's", { agentID: "agent" }],
    ["one for a tool of the caller's MCP server", { mcpServer: { source: "sdk" } }],
  ])("keeps its process when it could not go on in another: %s", async (_name, options) => {
    const one = session({ canUseTool: true });
    const result = permission(one, options as Partial<Ask>);
    await one.answer({ answer: { behavior: "deny" } });
    expect(await result).toEqual({ behavior: "deny", message: "Denied." });
    expect(one.asked()[0]).toMatchObject({ held: true });
    expect(one.stored).toEqual([]);
  });

  test.each<[string, CallbackAnswer, unknown]>([
    [
      "another input",
      { answer: { behavior: "allow", updatedInput: { command: "pwd" } } },
      { behavior: "allow", updatedInput: { command: "pwd" } },
    ],
    [
      "answers to questions",
      { answer: { answers: { "Which?": "Blue" } } },
      { behavior: "allow", updatedInput: { ...INPUT, answers: { "Which?": "Blue" } } },
    ],
    [
      "a reason why not",
      { answer: { behavior: "deny", message: "Not on a Friday.", interrupt: true } },
      { behavior: "deny", message: "Not on a Friday.", interrupt: true },
    ],
    ["nothing that allows it", { answer: {} }, { behavior: "deny", message: "Denied." }],
  ])("is answered with %s", async (_name, given, expected) => {
    const one = session({ canUseTool: true });
    const result = permission(one);
    await one.answer(given);
    expect(await result).toEqual(expected);
  });

  test("whose callback failed is an error with its message", async () => {
    const one = session({ canUseTool: true });
    const result = permission(one);
    await one.answer({ error: { message: "the approver broke" } });
    await expect(result).rejects.toThrow("the approver broke");
  });

  test("that the turn has waited for is not asked for again", async () => {
    const kept = { answer: { behavior: "deny", message: "No." } };
    const one = session(
      { canUseTool: true },
      { answerTo: (toolUseId) => (toolUseId === "use" ? kept : undefined) },
    );
    expect(await permission(one)).toEqual({ behavior: "deny", message: "No." });
    expect(one.asked()).toEqual([]);
  });

  test("that the agent asks for twice under one id is asked for once", async () => {
    const one = session({ canUseTool: true });
    const both = [
      permission(one, { requestId: "same" } as Partial<Ask>),
      permission(one, { requestId: "same" } as Partial<Ask>),
    ];
    await one.answer({ answer: { behavior: "allow" } });
    expect(await both[0]).toEqual(await both[1]);
    // … the second time after the first was answered, too.
    expect(await permission(one, { requestId: "same" } as Partial<Ask>)).toEqual(await both[0]);
    expect(one.asked()).toHaveLength(1);
  });

  test("is denied when the turn has ended", async () => {
    const one = session({ canUseTool: true }, { running: false });
    expect(await permission(one)).toMatchObject({ behavior: "deny" });
    expect(one.asked()).toEqual([]);
  });

  test("of what tasks in the background caused is asked, and its process kept", async () => {
    const one = session({ canUseTool: true }, { running: false, inBackground: true });
    const result = permission(one);
    await one.answer({ answer: { behavior: "allow" } });
    expect(await result).toMatchObject({ behavior: "allow" });
    expect(one.asked()[0]).toMatchObject({ kind: "permission", held: true });
  });

  test("for the tool that asks its user is a question", async () => {
    const one = session({ canUseTool: true });
    const result = permission(one, {}, "AskUserQuestion");
    await one.answer({ answer: { answers: {} } });
    await result;
    expect(one.asked()[0]!.kind).toBe("question");
  });
});

describe("a hook", () => {
  const { signal } = new AbortController();
  const hookOf = (
    { callbacks }: ReturnType<typeof session>,
    event: string,
    matcher = 0,
    hook = 0,
  ) => callbacks.hooks![event as "PreToolUse"]![matcher]!.hooks[hook]!;

  test("is asked for by its place among those of its event", async () => {
    const one = session({
      hooks: { PreToolUse: [{ hooks: 1 }, { matcher: "Bash", hooks: 2 }] },
    });
    expect(one.callbacks.hooks!.PreToolUse!.map(({ matcher }) => matcher)).toEqual([
      undefined,
      "Bash",
    ]);
    const result = hookOf(one, "PreToolUse", 1, 1)({ a: 1 } as never, "use", { signal });
    await one.answer({ answer: { continue: true } });
    expect(await result).toEqual({ continue: true });
    expect(one.asked()[0]).toMatchObject({
      kind: "hook",
      payload: { event: "PreToolUse", matcher: 1, hook: 1, input: { a: 1 }, tool_use_id: "use" },
    });
  });

  const gone = { error: { code: "caller_gone", message: "gone (caller_gone)" } } as const;

  test.each([
    [
      "PreToolUse",
      {
        hookSpecificOutput: {
          hookEventName: "PreToolUse",
          permissionDecision: "deny",
          permissionDecisionReason: gone.error.message,
        },
      },
    ],
    [
      "PermissionRequest",
      {
        hookSpecificOutput: {
          hookEventName: "PermissionRequest",
          decision: { behavior: "deny", message: gone.error.message },
        },
      },
    ],
    [
      "PreSkillShellCommand",
      {
        hookSpecificOutput: {
          hookEventName: "PreSkillShellCommand",
          permissionDecision: "deny",
          permissionDecisionReason: gone.error.message,
        },
      },
    ],
    ["UserPromptSubmit", { decision: "block", reason: gone.error.message }],
  ])("that guards something says no when its caller is gone: %s", async (event, expected) => {
    const one = session({ hooks: { [event]: [{ hooks: 1 }] } });
    const result = hookOf(one, event)({} as never, undefined, { signal });
    await one.answer(gone);
    expect(await result).toEqual(expected);
  });

  test("that guards nothing fails when its caller is gone, and any does when it threw", async () => {
    const one = session({ hooks: { PostToolUse: [{ hooks: 1 }], PreToolUse: [{ hooks: 1 }] } });
    const after = hookOf(one, "PostToolUse")({} as never, undefined, { signal });
    await one.answer(gone);
    await expect(after).rejects.toThrow("caller_gone");
    const before = hookOf(one, "PreToolUse")({} as never, undefined, { signal });
    await one.answer({ error: { message: "it threw" } });
    await expect(before).rejects.toThrow("it threw");
  });
});

describe("other callbacks", () => {
  const { signal } = new AbortController();

  test("ask under what they are: elicitations and dialogs", async () => {
    const one = session({ onElicitation: true, onUserDialog: true });
    const elicited = one.callbacks.onElicitation!({ message: "?" } as never, {
      signal,
      requestId: "1",
    });
    await one.answer({ answer: { action: "accept" } });
    expect(await elicited).toEqual({ action: "accept" });
    const shown = one.callbacks.onUserDialog!({ kind: "x" } as never, { signal, requestId: "2" });
    await one.answer({ answer: { behavior: "cancelled" } });
    expect(await shown).toEqual({ behavior: "cancelled" });
    expect(one.asked()).toMatchObject([
      { kind: "elicitation", payload: { elicitation: { message: "?" } } },
      { kind: "elicitation", payload: { dialog: { kind: "x" } } },
    ]);
  });

  test("are tunnels for MCP servers of the caller's; the others stay as they are", () => {
    const remote = { type: "http", url: "https://mcp.example" } as const;
    const one = session({
      mcpServers: { kit: { type: "sdk", name: "kit" }, remote },
    } as SessionOptions);
    expect(one.callbacks.mcpServers).toMatchObject({
      kit: { type: "sdk", name: "kit", instance: expect.any(Object) },
      remote,
    });
    expect([...one.context.tunnels.keys()]).toEqual(["kit"]);
  });

  test("are none when none was passed: the options stay as they are", () => {
    const options = { model: "claude-haiku-4-5", maxTurns: 3 };
    expect(session(options).callbacks).toEqual(options);
  });
});
