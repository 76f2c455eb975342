/** What Claude Code says of tasks in the background, read and written in one place. */
import type { SdkMessage } from "./events.js";

/** A task that runs in the background. */
export interface BackgroundTask {
  task_id: string;
  /** The run of the task: one that is resumed gets another. */
  run_id?: string;
  /** The tool call that started it. */
  tool_use_id?: string;
  /** `local_bash`, `local_agent`, … */
  task_type: string;
  description: string;
}

/**
 * What a session's process does beside its turns. `isActive`: tasks run, or have run, and the process has not been idle
 * since: it may still begin a turn by itself to tell of them.
 */
export interface Background {
  tasks: BackgroundTask[];
  isActive: boolean;
}

export const NO_BACKGROUND: Background = { tasks: [], isActive: false };

/** Tasks are written by a container: what is kept of each, characters, and of how many. */
const MAX_CHARS = 1_000;
const MAX_TASKS = 1_000;

/** The background after a message; the same object when the message does not change it. */
export function nextBackground(now: Background, message: SdkMessage): Background {
  if (message.type !== "system") return now;
  const { subtype } = message;
  if (subtype === "background_tasks_changed") {
    const tasks = listed(message.tasks, now.tasks);
    return { tasks, isActive: now.isActive || tasks.length > 0 };
  }
  if (subtype === "task_started") {
    const { task_id: id, tool_use_id: call } = message;
    if (typeof call !== "string" || !now.tasks.some(({ task_id }) => task_id === id)) return now;
    const withCall = (task: BackgroundTask) =>
      task.task_id === id ? { ...task, tool_use_id: call.slice(0, MAX_CHARS) } : task;
    return { ...now, tasks: now.tasks.map(withCall) };
  }
  const isOver = isIdle(message) && now.tasks.length === 0 && now.isActive;
  return isOver ? NO_BACKGROUND : now;
}

/** Claude Code's word that nothing runs in its foreground, and that nothing is in its queue. */
const isIdle = ({ type, subtype, state }: SdkMessage): boolean =>
  type === "system" && subtype === "session_state_changed" && state === "idle";

/** The tasks of a list. Ambient ones (watchers, housekeeping) are no activity: they would keep a process for nothing. */
function listed(tasks: unknown, before: BackgroundTask[]): BackgroundTask[] {
  if (!Array.isArray(tasks)) return before;
  const calls = new Map(before.map((task) => [task.task_id, task.tool_use_id]));
  return (tasks as (Record<string, unknown> | null)[])
    .filter((task) => typeof task?.task_id === "string" && task.ambient !== true)
    .slice(0, MAX_TASKS)
    .map((task) => {
      const text = (name: string) =>
        typeof task![name] === "string" ? task![name].slice(0, MAX_CHARS) : "";
      const [id, run] = [text("task_id"), text("run_id")];
      const call = calls.get(id);
      return {
        task_id: id,
        ...(run === "" ? {} : { run_id: run }),
        ...(call === undefined ? {} : { tool_use_id: call }),
        task_type: text("task_type"),
        description: text("description"),
      };
    });
}

/**
 * What is said of tasks that were cut off with their process, in the words of the Agent SDK: of each that it was killed and
 * why, then that none is left and that nothing follows.
 * @param reason The machine-readable cause, if it is one that the Agent SDK knows.
 */
export function cutOffMessages(
  session: string,
  tasks: BackgroundTask[],
  { why, reason }: { why: string; reason?: "worker_restart" },
  now: number,
): SdkMessage[] {
  const say = (subtype: string, rest: object): SdkMessage => ({
    type: "system",
    subtype,
    ...rest,
    uuid: crypto.randomUUID(),
    session_id: session,
  });
  const ends = tasks.flatMap(({ task_id, run_id, tool_use_id, description }) => {
    const run = { task_id, ...(run_id === undefined ? {} : { run_id }) };
    return [
      say("task_updated", { ...run, patch: { status: "killed", end_time: now, error: why } }),
      say("task_notification", {
        ...run,
        ...(tool_use_id === undefined ? {} : { tool_use_id }),
        status: "stopped",
        ...(reason === undefined ? {} : { reason }),
        output_file: "",
        summary: `${description}: ${why}`,
      }),
    ];
  });
  return [
    ...ends,
    ...(tasks.length > 0 ? [say("background_tasks_changed", { tasks: [] })] : []),
    say("session_state_changed", { state: "idle" }),
  ];
}
