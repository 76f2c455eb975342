import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { EdgeEvent } from "@claude-edge/protocol";

/**
 * Turns as an account's log had them: the real Agent SDK, asked by the scripted model's prompts below. What no dialect
 * reads was left out of the messages.
 *
 * | name | prompt |
 * |---|---|
 * | `text` | `%think Hm.`, `%say One two.` |
 * | `tools` | `%say Looking.`, two calls of Bash in one answer (`echo a`, `echo b`), `%say Done so.` |
 * | `subagent` | a Task whose agent says "Below.", calls Bash and says "From below."; then `%say Up.` |
 * | `error` | `%error 400` |
 * | `refusal` | `%refuse` |
 * | `max-turns` | a call of Bash, with `maxTurns: 1` |
 */
export type RecordedTurn = "text" | "tools" | "subagent" | "error" | "refusal" | "max-turns";

export function recorded(name: RecordedTurn): EdgeEvent[] {
  const file = fileURLToPath(new URL(`turns/${name}.jsonl`, import.meta.url).href);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as EdgeEvent);
}

/** The events as a reader gets them; after them, what reading fails with. */
export async function* reading(events: EdgeEvent[], failure?: Error): AsyncGenerator<EdgeEvent> {
  yield* events;
  if (failure) throw failure;
}

/** What is left of a turn once it is over: its whole messages, without the pieces. */
export const stored = (events: EdgeEvent[]): EdgeEvent[] =>
  events.filter(({ kind }) => kind !== "delta");

/** All that comes of it. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list = [];
  for await (const item of items) list.push(item);
  return list;
}
