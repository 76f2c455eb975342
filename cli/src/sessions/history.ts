import {
  isTerminal,
  type Attachment,
  type EdgeEvent,
  type Prompt,
  type SdkMessage,
  type TurnEvent,
  type TurnStatus,
  type Usage,
} from "@claude-edge/client";

/** What the agent did, in the Messages API's words; `error` is what a tool that failed gave. */
export type Step =
  | { type: "text"; text: string }
  | {
      type: "tool_use";
      id: string;
      name: string;
      input: Record<string, unknown>;
      error?: string;
    };

/** A turn as it is told afterwards. */
export interface ToldTurn {
  id: string;
  status: TurnStatus;
  prompt?: Prompt;
  /** The files that went with it. */
  attachments?: Attachment[];
  /** The session went back behind it, and remembers nothing of it. */
  rewound?: true;
  steps: Step[];
  error?: TurnEvent["error"];
  usage?: Usage;
  /** When it was asked, and when it ended, milliseconds since 1970. */
  asked_at: number;
  ended_at?: number;
}

interface Block {
  type: string;
  id: string;
  name: string;
  input: Record<string, unknown>;
  text: string;
  tool_use_id: string;
  is_error?: boolean;
  content?: unknown;
}

/** The turns of a session, out of its events: what was asked, said and done. Subagents' messages are left out. */
export async function readConversation(events: AsyncIterable<EdgeEvent>): Promise<ToldTurn[]> {
  const turns = new Map<string, ToldTurn>();
  for await (const event of events) {
    if (event.kind === "turn") {
      const { turn_id: id, at, status, prompt, attachments, error, usage } = event;
      const before = turns.get(id) ?? { id, steps: [], asked_at: at };
      const ended_at = isTerminal(event) ? at : undefined;
      const fields = { prompt, attachments, error, usage, ended_at };
      const given = Object.entries(fields).filter(([, value]) => value);
      turns.set(id, { ...before, status, ...Object.fromEntries(given) });
    } else if (event.kind === "message") {
      const steps = turns.get(event.turn_id)?.steps;
      if (steps && !event.message.parent_tool_use_id) addSteps(steps, event.message);
    } else if (event.kind === "rewind") {
      forget([...turns.values()], event.to_turn_id);
    }
  }
  return [...turns.values()];
}

/** Marks what came after a turn; all of it for the beginning. */
function forget(turns: ToldTurn[], to: string | null): void {
  const last = turns.findIndex(({ id }) => id === to);
  for (const turn of turns.slice(last + 1)) turn.rewound = true;
}

function addSteps(steps: Step[], { type, message }: SdkMessage): void {
  const content = (message as { content?: unknown } | undefined)?.content;
  if (!Array.isArray(content)) return;
  for (const block of content as Block[]) {
    const { id, name, input, text } = block;
    if (type === "assistant" && block.type === "text") steps.push({ type: "text", text });
    if (type === "assistant" && block.type === "tool_use") {
      steps.push({ type: "tool_use", id, name, input });
    }
    if (type === "user" && block.type === "tool_result" && block.is_error) {
      const call = steps.find((step) => step.type === "tool_use" && step.id === block.tool_use_id);
      if (call?.type === "tool_use") call.error = textOf(block.content);
    }
  }
}

/** The text of content blocks; what is none is named. */
export function textOf(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === "string" ? content : "";
  return (content as Block[])
    .map(({ type, text }) => (type === "text" ? text : `[${type}]`))
    .join("\n");
}
