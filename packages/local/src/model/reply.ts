import type { Conversation, JsonSchema, MessagesRequest } from "./conversation.js";
import { parseScript, type Answer } from "./script.js";

const quote = (text: string) => `“${text.length > 200 ? `${text.slice(0, 200)}…` : text}”`;

/** The smallest value that fits a schema, as far as its plain keywords say. */
function sample(schema: JsonSchema): unknown {
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object": {
      const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
      return Object.fromEntries(Object.entries(properties).map(([key, of]) => [key, sample(of)]));
    }
    case "array":
      return Array.from({ length: Number(schema.minItems ?? 1) }, () =>
        sample((schema.items ?? {}) as JsonSchema),
      );
    case "integer":
    case "number":
      return Number(schema.minimum ?? 1);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "text".padEnd(Number(schema.minLength ?? 0), ".");
  }
}

/** Answers a prompt that holds no script: plainly, from the conversation alone, so that it can be foreseen. */
function plainAnswer(request: MessagesRequest, { prompts, step }: Conversation): Answer {
  const structured = request.tools?.find((tool) => tool.name === "StructuredOutput");
  if (structured && step === 0) {
    const input = sample(structured.input_schema ?? { type: "object" });
    return { actions: [{ do: "tool", name: structured.name, input }] };
  }
  const prompt = prompts.at(-1) ?? "";
  const earlier = prompts.slice(0, -1);
  if (earlier.length > 0) {
    const said = earlier.map(quote).join(", then ");
    const text = `You said ${quote(prompt)}. Yes, I remember: earlier you said ${said}.`;
    return { actions: [{ do: "say", text }] };
  }
  return {
    actions: [
      {
        do: "say",
        text: `This is the scripted model: no key is set, so nothing was sent to Anthropic. You said ${quote(prompt)}. Everything between you and me is real.`,
      },
    ],
  };
}

/**
 * What the model answers to a request: the next step of the newest prompt's script, or a plain sentence.
 * @throws ScriptError for a script that cannot be read.
 */
export function answerTo(request: MessagesRequest, conversation: Conversation): Answer {
  const script = parseScript(conversation.prompts.at(-1) ?? "");
  if (!script) return plainAnswer(request, conversation);
  // Asked once more after a refusal, it refuses again.
  const refuses = script.at(-1)!.actions.some((action) => action.do === "refuse");
  const length = script.findIndex(({ repeats }) => repeats);
  const place = length > 0 ? conversation.step % length : conversation.step;
  const step = refuses ? Math.min(place, script.length - 1) : place;
  return script[step] ?? { actions: [{ do: "say", text: "Done." }] };
}
