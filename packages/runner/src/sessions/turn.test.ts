import { setImmediate } from "node:timers/promises";

import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { StartTurn } from "@claude-edge/protocol/runner";
import { afterEach, describe, expect, test, vi } from "vitest";

import { Turn } from "./turn.js";

const START: StartTurn = { prompt: "Hello", options: {}, hold_ms: 1_000 };

const sdk = (message: object) => message as SDKMessage;
const text = (words: string) =>
  sdk({ type: "assistant", message: { model: "m", content: [{ type: "text", text: words }] } });
const TOOL_USE = sdk({ type: "assistant", message: { content: [{ type: "tool_use", id: "u" }] } });
const RESULT = sdk({ type: "result", subtype: "success", result: "Done.", num_turns: 1 });
const IDLE = sdk({ type: "system", subtype: "session_state_changed", state: "idle" });
const INIT = sdk({ type: "system", subtype: "init" });

/** A turn that has begun, and the log of what it emits; the first argument overrides its start. */
function begun(start: Partial<StartTurn> = {}) {
  const log: string[] = [];
  const checkpoint = Promise.withResolvers<void>();
  let interrupts = 0;
  const turn = new Turn(
    "t",
    { ...START, ...start },
    {
      emit: (_turn, { type }) => log.push(type),
      emitStatus: (id, { status, error, steered_turn: into }) => {
        if (into) return log.push(`${id} in ${into}`);
        return log.push(error ? `${status} ${error.code}` : status);
      },
      checkpoint: async (_turn, reason) => {
        log.push(`checkpoint ${reason}`);
        await checkpoint.promise;
      },
      wantsOutput: () => false,
      repeatableTools: [],
      interruptProcess: () => (interrupts += 1),
      stopProcess: (messages) => log.push(`stop for ${messages}`),
      onOver: () => log.push("over"),
      onIdle: () => log.push("idle"),
    },
  );
  turn.begin();
  return { turn, log, checkpoint, interrupts: () => interrupts };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a turn", () => {
  test("ends at once with its result when no file can have changed", () => {
    const { turn, log } = begun();
    for (const message of [text("Done."), RESULT]) turn.onMessage(message);
    expect(log).toEqual(["running", "assistant", "result", "over", "completed", "idle"]);
    expect(turn.isRunning).toBe(false);
  });

  test("ends after its final checkpoint, and what arrives in between is logged after the end", async () => {
    const { turn, log, checkpoint } = begun();
    for (const message of [TOOL_USE, RESULT, text("Late.")]) turn.onMessage(message);
    const ending = ["running", "assistant", "result", "checkpoint turn"];
    expect(log).toEqual(ending);
    checkpoint.resolve();
    await turn.over;
    expect(log).toEqual([...ending, "over", "completed", "assistant", "idle"]);
  });

  test("ends once: the first outcome counts", async () => {
    const { turn, log, checkpoint } = begun();
    turn.onMessage(TOOL_USE);
    turn.interrupt();
    turn.endInterrupted();
    turn.fail("agent_exited", "killed");
    turn.onProcessEnd("killed");
    turn.onMessage(RESULT);
    await turn.release(async () => {});
    checkpoint.resolve();
    await turn.over;
    expect(log.filter((entry) => /completed|failed|interrupted|waiting/.test(entry))).toEqual([
      "interrupted interrupted",
    ]);
  });

  test.each([
    ["before it said anything", [], "failed agent_start_failed"],
    ["in its middle", [text("Hm.")], "failed agent_exited"],
  ])("fails when its process ends %s", (_when, messages, end) => {
    const { turn, log } = begun();
    for (const message of messages) turn.onMessage(message);
    turn.onProcessEnd("killed");
    expect(log).toContain(end);
  });

  test("can restart when the process that it was given had been dying, and only then", () => {
    const { turn } = begun();
    expect(turn.canRestart).toBe(false);
    turn.reused = true;
    expect(turn.canRestart).toBe(true);
    turn.onMessage(INIT);
    expect(turn.canRestart).toBe(false);
  });

  test("repeats an interrupt that overtook its prompt", () => {
    const { turn, interrupts } = begun();
    turn.onMessage(INIT);
    expect(interrupts()).toBe(0);
    turn.interrupt();
    turn.onMessage(INIT);
    expect(interrupts()).toBe(1);
  });

  test("is not ended by the result of a background task or of another prompt", () => {
    const { turn } = begun();
    turn.onMessage(sdk({ ...RESULT, origin: { kind: "task-notification" } }));
    turn.onMessage(sdk({ ...RESULT, user_message_uuid: "other" }));
    expect(turn.isRunning).toBe(true);
    turn.onMessage(sdk({ ...RESULT, user_message_uuid: "t" }));
    expect(turn.isRunning).toBe(false);
  });

  test("tells of a message that its process has taken in", async () => {
    const { turn, log } = begun();
    turn.steering.add("m", { prompt: "Stop." });
    const state = (id: string, of: string) =>
      sdk({ type: "command_lifecycle", command_uuid: id, state: of });
    turn.onMessage(state("m", "started"));
    await turn.steering.handOver(async (id) => void log.push(`sent ${id}`));
    for (const of of ["queued", "started"]) turn.onMessage(state("m", of));
    // That of a turn that was resumed at a question.
    turn.onMessage(sdk({ ...RESULT, user_message_uuid: "m" }));
    const lifecycle = "command_lifecycle";
    expect(log.slice(1, -3)).toEqual([
      lifecycle,
      "sent m",
      lifecycle,
      lifecycle,
      "m in t",
      "result",
    ]);
  });

  test("stops its process when that would begin another turn with a message", async () => {
    const { turn, log } = begun();
    turn.steering.add("m", { prompt: "Stop." });
    await turn.steering.handOver(async () => {});
    turn.onMessage(RESULT);
    expect(log).toEqual(["running", "result", "stop for m", "over", "completed", "idle"]);
  });

  test("waits for the state idle when its session asked for states, but not for long", () => {
    vi.useFakeTimers();
    const options = { sessionStateEvents: true as const };
    const one = begun({ options });
    one.turn.onMessage(RESULT);
    expect(one.turn.isRunning).toBe(true);
    one.turn.onMessage(IDLE);
    expect(one.log).toEqual(["running", "result", "system", "over", "completed", "idle"]);
    const other = begun({ options });
    other.turn.onMessage(RESULT);
    vi.advanceTimersByTime(2_000);
    expect(other.log).toContain("completed");
    vi.advanceTimersByTime(10_000);
    expect(one.log.filter((entry) => entry === "completed")).toHaveLength(1);
  });

  test("that is released says that it waits, after its checkpoint", async () => {
    const { turn, log, checkpoint } = begun();
    turn.onMessage(TOOL_USE);
    const released = turn.release(async (afterwards) => {
      log.push("killed");
      await afterwards();
    });
    expect(turn.isRunning).toBe(false);
    checkpoint.resolve();
    await released;
    expect(log.slice(2)).toEqual(["killed", "checkpoint turn", "over", "waiting", "idle"]);
  });

  test("that is abandoned logs no outcome, even while it was ending", async () => {
    const { turn, log, checkpoint } = begun();
    for (const message of [TOOL_USE, RESULT]) turn.onMessage(message);
    turn.abandon();
    checkpoint.resolve();
    await turn.over;
    await setImmediate();
    expect(log.slice(-2)).toEqual(["checkpoint turn", "over"]);
  });
});
