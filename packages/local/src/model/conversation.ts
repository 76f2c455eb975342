/** The parts of a Messages API request that the scripted model reads. */
export interface MessagesRequest {
  model: string;
  stream?: boolean;
  messages: { role: string; content: string | ContentBlock[] }[];
  tools?: { name: string; input_schema?: JsonSchema }[];
  system?: unknown;
}

export interface ContentBlock {
  type: string;
  text?: string;
  [key: string]: unknown;
}

export type JsonSchema = { [key: string]: unknown };

const REMINDER = /^\s*<system-reminder>[\s\S]*<\/system-reminder>\s*$/;

/** What a user wrote in one message: the harness's own reminders and tool results left out. */
function promptOf(content: string | ContentBlock[]): string {
  const texts = typeof content === "string" ? [content] : content.map((block) => block.text ?? "");
  return texts.filter((text) => text.trim() !== "" && !REMINDER.test(text)).join("\n");
}

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
    } else if (role === "user") {
      const prompt = promptOf(content);
      if (prompt === "") continue;
      prompts.push(prompt);
      step = 0;
    }
  }
  return { prompts, step };
}
