import type { EdgeEvent, Session } from "@claude-edge/client";

import type { OwnTestStack, TestStack } from "./stack.js";

/** A prompt that has the agent run shell commands, one after the other. */
export const shell = (...commands: string[]): string =>
  [
    ...commands.map(
      (command, index) => `%say ${index}.\n%tool Bash ${JSON.stringify({ command })}`,
    ),
    "%say Done.",
  ].join("\n");

/** A session whose agent's tools run unasked. */
export const createSession = (edge: TestStack, account: string): Promise<Session> =>
  edge.client(account).sessions.create({ permissionMode: "bypassPermissions" });

/** A turn's events up to its end, and how it ended. */
export async function runTurn(
  session: Session,
  prompt: string,
  onEvent: (event: EdgeEvent) => unknown = () => {},
): Promise<{ id: string; events: EdgeEvent[]; status: string }> {
  const events: EdgeEvent[] = [];
  const turn = session.send(prompt);
  for await (const event of turn) {
    events.push(event);
    await onEvent(event);
  }
  const end = events.at(-1);
  return { id: turn.id!, events, status: end?.kind === "turn" ? end.status : "no end" };
}

/** The same; it must end well. */
export async function turnOf(
  session: Session,
  prompt: string,
): Promise<{ id: string; events: EdgeEvent[] }> {
  const { id, events, status } = await runTurn(session, prompt);
  if (status !== "completed") throw new Error(`the turn ended ${JSON.stringify(events.at(-1))}`);
  return { id, events };
}

/** A file's text; `at`: as it was. */
export const read = async (session: Session, path: string, at?: string | number): Promise<string> =>
  (await session.files.get(path, at === undefined ? {} : { at })).text();

/** All paths, folders with a slash behind. */
export async function list(session: Session): Promise<string[]> {
  const found = [];
  for await (const { path, type } of session.files.list("", { recursive: true })) {
    found.push(type === "directory" ? `${path}/` : path);
  }
  return found;
}

/** Ends all containers of a stack of one's own, as failing hosts would. */
export async function killContainers(edge: OwnTestStack): Promise<void> {
  for (const { name } of edge.stack.containers()) await edge.stack.killContainer(name);
}

/** What a command gives in the agent's own shell. */
export const seenByAgent = (session: Session, command: string): Promise<string> =>
  resultsOf(session, shell(command));

/** What the tools of a turn give: there must be one. */
export async function resultsOf(session: Session, prompt: string): Promise<string> {
  const { events } = await turnOf(session, prompt);
  const results = events.flatMap((event) =>
    event.kind === "message" && event.message.type === "user"
      ? (event.message.message as { content: { content: string }[] }).content
      : [],
  );
  if (results.length === 0) throw new Error(`no tool was told of: ${JSON.stringify(events)}`);
  return results.map(({ content }) => content).join("\n");
}

/** The checkpoints that a turn's events tell of: how many paths changed, or why not. */
export const checkpointsIn = (events: EdgeEvent[]): (number | string)[] =>
  events.flatMap((event) =>
    event.kind === "checkpoint" ? [event.checkpoint?.changed ?? event.error?.code ?? "none"] : [],
  );
