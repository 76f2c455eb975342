import { expect, test } from "vitest";

import { cutOffMessages, nextBackground, NO_BACKGROUND, type Background } from "./background.js";
import type { SdkMessage } from "./events.js";

const say = (subtype: string, rest: object): SdkMessage => ({ type: "system", subtype, ...rest });
const changed = (...tasks: unknown[]) => say("background_tasks_changed", { tasks });
const IDLE = say("session_state_changed", { state: "idle" });
const RUNNING = say("session_state_changed", { state: "running" });
const SERVER = { task_id: "a", run_id: "1", task_type: "local_bash", description: "npm start" };

const after = (...messages: SdkMessage[]): Background =>
  messages.reduce(nextBackground, NO_BACKGROUND);

test("tasks are those of the newest list, each with the call that started it", () => {
  const started = say("task_started", { task_id: "a", tool_use_id: "call" });
  const other = { task_id: "b", task_type: "local_agent", description: "help" };
  expect(after(changed(SERVER), started, changed(SERVER, other))).toEqual({
    tasks: [{ ...SERVER, tool_use_id: "call" }, other],
    isActive: true,
  });
});

test("it is over when none runs and the process has been idle since", () => {
  expect(after(changed(SERVER), IDLE).isActive).toBe(true);
  const ended = [changed(SERVER), IDLE, changed()];
  expect(after(...ended).isActive).toBe(true);
  expect(after(...ended, RUNNING).isActive).toBe(true);
  expect(after(...ended, RUNNING, IDLE)).toBe(NO_BACKGROUND);
});

test("what is no activity, or no task, does not count", () => {
  expect(after(changed({ ...SERVER, ambient: true }, null, 1, {}, { task_id: 2 }))).toEqual(
    NO_BACKGROUND,
  );
  expect(after(changed(SERVER), say("background_tasks_changed", { tasks: "none" })).tasks).toEqual([
    SERVER,
  ]);
  const long = after(changed({ ...SERVER, description: "x".repeat(5_000) }));
  expect(long.tasks[0]!.description).toHaveLength(1_000);
  expect(nextBackground(NO_BACKGROUND, { type: "assistant" })).toBe(NO_BACKGROUND);
});

test("tasks that are cut off end in the Agent SDK's words, and with them the background", () => {
  const { tasks } = after(changed(SERVER), say("task_started", { task_id: "a", tool_use_id: "c" }));
  const why = "The container was lost.";
  const said = cutOffMessages("s", tasks, { why, reason: "worker_restart" }, 5);
  expect(said).toMatchObject([
    {
      subtype: "task_updated",
      task_id: "a",
      run_id: "1",
      patch: { status: "killed", end_time: 5 },
    },
    {
      subtype: "task_notification",
      task_id: "a",
      run_id: "1",
      tool_use_id: "c",
      status: "stopped",
      reason: "worker_restart",
      summary: "npm start: The container was lost.",
    },
    { subtype: "background_tasks_changed", tasks: [] },
    { subtype: "session_state_changed", state: "idle" },
  ]);
  expect(said.reduce(nextBackground, { tasks, isActive: true })).toBe(NO_BACKGROUND);
});
