import type { EdgeEvent, SdkMessage } from "@claude-edge/client";

/** All events of a turn. */
export async function read(turn: AsyncIterable<EdgeEvent>): Promise<EdgeEvent[]> {
  const events: EdgeEvent[] = [];
  for await (const event of turn) events.push(event);
  return events;
}

/** The Agent SDK's messages among events. */
export const messages = (events: EdgeEvent[]): SdkMessage[] =>
  events.flatMap((event) => (event.kind === "message" ? [event.message] : []));

/** The content blocks of these. */
export const blocks = (events: EdgeEvent[]) =>
  messages(events).flatMap((message) => {
    const { content } = (message.message ?? {}) as { content?: unknown };
    return Array.isArray(content) ? (content as { type: string; [key: string]: unknown }[]) : [];
  });

/** What the model was told of its calls, as JSON. */
export const toolResults = (events: EdgeEvent[]): string =>
  JSON.stringify(blocks(events).filter(({ type }) => type === "tool_result"));

/** The statuses that turns went through. */
export const statuses = (events: EdgeEvent[]) =>
  events.flatMap((event) => (event.kind === "turn" ? [event.status] : []));
