import type { EdgeEvent, Turn } from "@claude-edge/client";

/** What the agent's shell prints. */
export async function shell(turn: Turn): Promise<string> {
  const events: EdgeEvent[] = [];
  for await (const event of turn) events.push(event);
  const end = events.at(-1);
  if (end?.kind === "turn" && end.error) throw new Error(JSON.stringify(end));
  const results = events.flatMap((event) => {
    if (event.kind !== "message" || event.message.type !== "user") return [];
    const { content } = event.message.message as { content: unknown };
    return Array.isArray(content) ? (content as { type: string; content?: string }[]) : [];
  });
  return results.map(({ content }) => content ?? "").join("\n");
}
/** A prompt that has the agent run a command. */
export const bash = (command: string) => `%tool Bash ${JSON.stringify({ command })}\n%say Done.`;
export const shellOptions = { allowedTools: ["Bash"] };
