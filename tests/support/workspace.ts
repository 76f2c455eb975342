import type { EdgeEvent, Session } from "@claude-edge/client";

/** A prompt that has the agent run shell commands, one after the other. */
export const shell = (...commands: string[]): string =>
  [
    ...commands.map(
      (command, index) => `%say ${index}.\n%tool Bash ${JSON.stringify({ command })}`,
    ),
    "%say Done.",
  ].join("\n");

/** A turn up to its end, which must be a completed one. */
export async function turnOf(
  session: Session,
  prompt: string,
): Promise<{ id: string; events: EdgeEvent[] }> {
  const events: EdgeEvent[] = [];
  const turn = session.send(prompt);
  for await (const event of turn) events.push(event);
  const end = events.at(-1);
  if (end?.kind !== "turn" || end.status !== "completed") {
    throw new Error(`the turn ended ${JSON.stringify(end)}`);
  }
  return { id: turn.id!, events };
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

/** What a command gives in the agent's own shell. */
export async function seenByAgent(session: Session, command: string): Promise<string> {
  const { events } = await turnOf(session, shell(command));
  const results = events.flatMap((event) =>
    event.kind === "message" && event.message.type === "user"
      ? (event.message.message as { content: { content: string }[] }).content
      : [],
  );
  return results.map(({ content }) => content).join("\n");
}

/** The checkpoints that a turn's events tell of: how many paths changed, or why not. */
export const checkpointsIn = (events: EdgeEvent[]): (number | string)[] =>
  events.flatMap((event) =>
    event.kind === "checkpoint" ? [event.checkpoint?.changed ?? event.error?.code ?? "none"] : [],
  );
