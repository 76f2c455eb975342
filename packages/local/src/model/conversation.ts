/** The parts of a Messages API request that the scripted model reads. */
export interface MessagesRequest {
  model: string;
  stream?: boolean;
  max_tokens?: number;
  stop_sequences?: string[];
  messages: { role: string; content: string | ContentBlock[] }[];
  tools?: { name: string; input_schema?: JsonSchema }[];
  system?: unknown;
  thread?: { type: "create" } | { type: "continue"; previous_message_id: string } | null;
}

interface ContentBlock {
  type: string;
  text?: string;
  [key: string]: unknown;
}

export type JsonSchema = { [key: string]: unknown };

/**
 * Texts the harness puts into a user message: reminders, its word that a refusal stopped the answer above, that a
 * resumed turn goes on, where an image was put, and that a structured output is still owed.
 */
const REMINDER =
  /^\s*(<system-reminder>[\s\S]*<\/system-reminder>\s*$|Your response above was stopped by|Continue from where you left off\.$|\[Image: source: |\[structured-output-enforce\])/;

/** How the harness words a message that came while it worked, in a message of its own or in a reminder. */
const STEERING =
  /The user sent a new message while you were working:\n([\s\S]*?)\n\nThis is how Claude Code surfaces messages/g;

/**
 * What a user wrote in one message, the harness's own reminders and tool results left out. More than one prompt when
 * those before the last got no answer: the harness puts them into one message then.
 */
function promptsOf(content: string | ContentBlock[]): string[] {
  return textsOf(content).filter((text) => text.trim() !== "" && !REMINDER.test(text));
}

/** What a user wrote while the model worked. */
const steeringOf = (content: string | ContentBlock[]): string[] =>
  textsOf(content).flatMap((text) => [...text.matchAll(STEERING)].map(([, said]) => said!));

const textsOf = (content: string | ContentBlock[]): string[] =>
  typeof content === "string" ? [content] : content.map((block) => block.text ?? "");

export interface Conversation {
  /** Every prompt so far, the newest last. */
  prompts: string[];
  /** How often the model has answered since the newest prompt: its place in that prompt's script. */
  step: number;
}

/** Reads who said what out of a request. */
export function readConversation(request: MessagesRequest): Conversation {
  const prompts: string[] = [];
  let step = 0;
  for (const { role, content } of request.messages) {
    if (role === "assistant") {
      step += 1;
    } else {
      const said = [...(role === "user" ? promptsOf(content) : []), ...steeringOf(content)];
      if (said.length === 0) continue;
      prompts.push(...said);
      step = 0;
    }
  }
  return { prompts, step };
}
