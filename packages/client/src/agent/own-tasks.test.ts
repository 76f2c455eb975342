import { expect, test } from "vitest";

import { OwnTasks } from "./own-tasks.js";

const say = (subtype: string, rest: object) => ({ type: "system", subtype, ...rest });
const changed = (...ids: string[]) =>
  say("background_tasks_changed", {
    tasks: ids.map((task_id) => ({ task_id, task_type: "local_bash", description: "" })),
  });
const started = (task_id: string) => say("task_started", { task_id });
const IDLE = say("session_state_changed", { state: "idle" });

test("a query waits for its tasks, and for what they cause", () => {
  const tasks = new OwnTasks();
  expect(tasks.isPending).toBe(false);
  for (const message of [changed("a"), started("a"), IDLE]) tasks.onMessage(message);
  expect(tasks.isPending).toBe(true);
  expect(tasks.running).toEqual(["a"]);
  tasks.onMessage(changed());
  expect([tasks.isPending, tasks.running]).toEqual([true, []]);
  tasks.onMessage(say("session_state_changed", { state: "running" }));
  tasks.onMessage({ type: "result" });
  expect(tasks.isPending).toBe(true);
  tasks.onMessage(IDLE);
  expect(tasks.isPending).toBe(false);
});

test("tasks that others have started are not waited for", () => {
  const tasks = new OwnTasks();
  for (const message of [changed("other", "a"), started("a"), changed("other"), IDLE]) {
    tasks.onMessage(message);
  }
  expect([tasks.isPending, tasks.running]).toEqual([false, []]);
});
