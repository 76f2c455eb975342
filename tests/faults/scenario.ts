import type { EdgeEvent, SdkMessage } from "@claude-edge/client";

/** What a tool of the scenario leaves outside its container each time it runs. */
export const toolCommand = (name: string, ledger: string): string =>
  `echo ${name} >> ${ledger}; sleep 0.3; echo ${name}-output`;

/** One turn of some 500 events: thinking, text, two tools. */
export function prompt(ledger: string): string {
  const tool = (name: string) =>
    `%tool Bash ${JSON.stringify({ command: toolCommand(name, ledger) })}`;
  return [
    `%think ${words("thought", 100)}`,
    `%say ${words("first", 160)}`,
    tool("tool-one"),
    `%say ${words("second", 120)}`,
    tool("tool-two"),
    `%say ${words("third", 80)}`,
  ].join("\n");
}

const words = (word: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${word}${index + 1}`).join(" ");

interface Block {
  type: string;
  text?: string;
  thinking?: string;
  name?: string;
  content?: unknown;
}

function blockText({ type, text, thinking, name, content }: Block): string {
  return `${type}:${text ?? thinking ?? name ?? JSON.stringify(content ?? "")}`;
}

interface StreamEvent {
  type: string;
  delta?: { type: string; text?: string; thinking?: string; partial_json?: string };
}

/**
 * What a reader was told, without ids and times: the pieces, the whole messages, the end. A model's stream that broke
 * off (it has no message_delta) and was asked again counts once, as for any reader of the Agent SDK.
 */
export function essence(events: EdgeEvent[]): string[] {
  const told: string[] = [];
  let open: string[] = [];
  for (const event of events) {
    if (event.kind === "turn") {
      told.push(`turn:${event.status}`);
    } else if (event.kind === "delta") {
      const { type, delta } = event.message.event as StreamEvent;
      if (type === "message_start") open = [];
      if (type === "content_block_delta") {
        open.push(delta?.text ?? delta?.thinking ?? delta?.partial_json ?? delta?.type ?? "");
      }
      if (type === "message_delta") told.push(...open);
    } else if (event.kind === "message") {
      told.push(...wholeMessage(event.message));
    }
  }
  return told;
}

function wholeMessage(message: SdkMessage): string[] {
  if (message.type !== "assistant" && message.type !== "user") return [];
  const { content } = (message.message ?? {}) as { content?: Block[] | string };
  return Array.isArray(content)
    ? content.map((block) => `${message.type}:${blockText(block)}`)
    : [];
}

/** The tools whose results a reader has seen. */
export function finishedTools(events: EdgeEvent[]): string[] {
  const text = JSON.stringify(
    events.filter((event) => event.kind === "message" && event.message.type === "user"),
  );
  return ["tool-one", "tool-two"].filter((name) => text.includes(`${name}-output`));
}
