import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { BackgroundWork } from "./background-work.js";

const LIMIT_MS = 60_000;
const say = (subtype: string, rest: object) =>
  ({ type: "system", subtype, ...rest }) as unknown as SDKMessage;
const changed = (...ids: string[]) =>
  say("background_tasks_changed", {
    tasks: ids.map((task_id) => ({ task_id, task_type: "local_bash", description: task_id })),
  });
const IDLE = say("session_state_changed", { state: "idle" });

/** A session's background, and what it does. */
function background() {
  const log: string[] = [];
  const work = new BackgroundWork({
    session: "s",
    limitMs: LIMIT_MS,
    emit: (message) => {
      const { subtype, summary = "" } = message as unknown as Record<string, string>;
      log.push(`${subtype} ${summary}`.trim());
    },
    endProcess: () => {
      log.push("end process");
      work.onProcessGone();
    },
    onBegun: (over) => {
      log.push("begun");
      void over.then(() => log.push("over"));
    },
    onEnded: () => log.push("ended"),
  });
  return { work, log };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the background", () => {
  test("goes on until its tasks have ended and the process is idle", async () => {
    const { work, log } = background();
    for (const message of [changed("a", "b"), IDLE, changed("b")]) work.onMessage(message);
    expect(log).toEqual(["begun", "ended"]);
    for (const message of [changed(), IDLE]) work.onMessage(message);
    await vi.advanceTimersByTimeAsync(0);
    expect(log).toEqual(["begun", "ended", "ended", "ended", "over"]);
    expect(work.isActive).toBe(false);
  });

  test("is ended at its limit after the last turn, and says why", async () => {
    const { work, log } = background();
    work.onMessage(changed("a"));
    work.onTurnEnd();
    await vi.advanceTimersByTimeAsync(LIMIT_MS - 1);
    expect(log).toEqual(["begun"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(log.slice(1)).toEqual([
      "end process",
      "task_updated",
      "task_notification a: stopped, because it ran in the background for 60 s after the last turn",
      "background_tasks_changed",
      "session_state_changed",
      "over",
    ]);
  });

  test("has no limit while a turn runs, and what tasks cause does not put it off", async () => {
    const { work, log } = background();
    work.onMessage(changed("a"));
    work.onTurnEnd();
    work.onTurnStart();
    await vi.advanceTimersByTimeAsync(2 * LIMIT_MS);
    expect(log).toEqual(["begun"]);
    work.onTurnEnd();
    for (let time = 0; time < LIMIT_MS; time += LIMIT_MS / 4) {
      await vi.advanceTimersByTimeAsync(LIMIT_MS / 4);
      work.onMessage(changed(`a${time}`));
      work.onTurnEnd();
    }
    expect(log).toContain("end process");
  });

  test("that is over has no limit any more", async () => {
    const { work, log } = background();
    work.onMessage(changed("a"));
    work.onTurnEnd();
    for (const message of [changed(), IDLE]) work.onMessage(message);
    await vi.advanceTimersByTimeAsync(2 * LIMIT_MS);
    expect(log).not.toContain("end process");
    work.onProcessGone();
    expect(log.some((line) => line.startsWith("task_"))).toBe(false);
  });

  test("is told of when its process is gone", () => {
    const { work, log } = background();
    work.onMessage(changed("a"));
    work.onProcessGone();
    expect(log).toContain("task_notification a: stopped, because its process ended");
    expect(work.isActive).toBe(false);
  });
});
