import type { EdgeEvent, SdkMessage, Session } from "@claude-edge/client";
import { findMarked } from "@claude-edge/runner/processes";

import { messages } from "./events.js";
import { shell, turnOf } from "./workspace.js";

/** A line of a script: a shell command that runs in the background. */
export const inBackground = (command: string): string =>
  `%tool Bash ${JSON.stringify({ command, run_in_background: true })}`;

/** Starts a command in the background, in a turn of its own; returns its task's id. */
export async function startTask(session: Session, command: string, then = ""): Promise<string> {
  const prompt = `${inBackground(command)}\n%say Started.${then}`;
  const { events } = await turnOf(session, prompt);
  return startedIn(events)[0]!;
}

/** The ids of the tasks that these events tell the start of. */
const startedIn = (events: EdgeEvent[]): string[] =>
  messages(events).flatMap(({ subtype, task_id: id }) =>
    subtype === "task_started" ? [id as string] : [],
  );

/** Everything that the session's log holds by now, deltas aside. */
export async function logOf(session: Session): Promise<EdgeEvent[]> {
  const events: EdgeEvent[] = [];
  for await (const event of session.events({ follow: false })) events.push(event);
  return events;
}

/** How tasks ended, as the log tells. */
export const endsOf = async (session: Session, task: string): Promise<SdkMessage[]> =>
  messages(await logOf(session)).filter(
    ({ subtype, task_id: id }) => subtype === "task_notification" && id === task,
  );

/** The results in the log, those of what tasks caused with a star. */
export const resultsIn = (events: EdgeEvent[]): string[] =>
  messages(events).flatMap(({ type, result, origin }) => {
    if (type !== "result") return [];
    const isCaused = (origin as { kind?: string } | undefined)?.kind === "task-notification";
    return [`${String(result)}${isCaused ? "*" : ""}`];
  });

/** The number of tasks that the session's resource tells. */
export const tasksOf = async (session: Session): Promise<number> =>
  (await session.retrieve()).background_tasks ?? 0;

/** Whether any process of the session is left, besides Claude Code itself. */
export const hasProcesses = ({ id }: Session): boolean =>
  findMarked({ CLAUDE_EDGE_SESSION: id }).length > 0;

/** A command that serves a word on a port of this machine. */
export const serverOn = (port: number): string =>
  `exec node -e "require('http').createServer((q,s)=>s.end('served')).listen(${port},'127.0.0.1')"`;

/** A prompt that asks what {@link serverOn} serves, from the agent's own shell: "gone" when nothing listens for a second. */
export const askServer = (port: number): string => {
  const ask = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
  return shell(
    `for i in 1 2 3 4 5; do bash -c "${ask}" 2>/dev/null && exit; sleep 0.2; done; echo gone`,
  );
};

/** What the agent has said, in the order of the log. */
export const saidIn = (events: EdgeEvent[]): string[] =>
  messages(events).flatMap(({ type, message }) => {
    const { content } = (message ?? {}) as { content?: unknown };
    if (type !== "assistant" || !Array.isArray(content)) return [];
    return (content as { type: string; text?: string; name?: string }[]).map(
      ({ text, name }) => text ?? name ?? "",
    );
  });
