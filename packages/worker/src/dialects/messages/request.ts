import { EdgeError } from "@claude-edge/protocol";
import * as z from "zod/mini";

const text = z.string().check(z.minLength(1));
const json = z.record(z.string(), z.unknown());
const block = z.looseObject({ type: z.string() });
type Block = z.infer<typeof block>;

/**
 * A request of the Messages API that Claude Code can make. Strict: unsupported fields are refused by name, not dropped,
 * except those that only concern caching or identify the user.
 */
export const messagesRequest = z.strictObject({
  model: text,
  max_tokens: z.int().check(z.positive()),
  messages: z
    .array(
      z.strictObject({
        role: z.enum(["user", "assistant"]),
        content: z.union([z.string(), z.array(block)]),
      }),
    )
    .check(z.minLength(1)),
  system: z.optional(z.union([z.string(), z.array(z.looseObject({ text: z.string() }))])),
  stream: z.optional(z.boolean()),
  tools: z.optional(
    z.array(
      z.looseObject({
        type: z.optional(z.literal("custom", "only the client's own tools go through Claude Code")),
        name: text,
        description: z.optional(z.string()),
        input_schema: json,
      }),
    ),
  ),
  tool_choice: z.optional(json),
  thinking: z.optional(json),
  temperature: z.optional(z.number()),
  top_p: z.optional(z.number()),
  top_k: z.optional(z.int()),
  stop_sequences: z.optional(z.array(z.string())),
  output_config: z.optional(json),
  metadata: z.optional(z.unknown()),
  cache_control: z.optional(z.unknown()),
  thread: z.optional(z.unknown()),
});
export type MessagesRequest = z.infer<typeof messagesRequest>;

/** Claude Code takes the fields in an environment variable, which Linux limits to 128 kB. */
const MAX_FIELDS_CHARS = 30_000;

/** Fields that are passed to the model unchanged. */
const FIELDS = [
  "max_tokens",
  "thinking",
  "temperature",
  "top_p",
  "top_k",
  "stop_sequences",
  "tool_choice",
  "output_config",
] as const;

/** @throws EdgeError `invalid_request` for fields that are too long. */
export function fieldsOf(request: MessagesRequest): Record<string, unknown> {
  const given = FIELDS.filter((name) => request[name] !== undefined);
  const fields = Object.fromEntries(given.map((name) => [name, request[name]]));
  if (JSON.stringify(fields).length <= MAX_FIELDS_CHARS) return fields;
  const message = `${given.join(", ")}: are more than ${MAX_FIELDS_CHARS} characters of JSON.`;
  throw new EdgeError("invalid_request", message);
}

export interface Said {
  role: "user" | "assistant";
  content: Block[];
}

/**
 * The conversation with consecutive messages of the same role merged and cache markers removed: Claude Code sets its own
 * markers, and the API allows four.
 * @throws EdgeError `invalid_request` for a conversation that cannot be continued.
 */
export function conversationOf({ messages }: MessagesRequest): Said[] {
  const said: Said[] = [];
  for (const { role, content } of messages) {
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
    const last = said.at(-1);
    const withoutMarkers = blocks.map(withoutCacheMarker);
    if (last?.role === role) last.content.push(...withoutMarkers);
    else said.push({ role, content: withoutMarkers });
  }
  if (said[0]?.role !== "user") fail("messages.0: must be the user's");
  if (said.at(-1)?.role !== "user") fail("messages: the last must be the user's");
  for (const [place, { role, content }] of said.entries()) {
    if (content.every(isBlank)) fail(`messages: one of role ${role} is empty`);
    const calls = content.filter(({ type }) => type === "tool_use").map(({ id }) => id);
    const results = new Set(said[place + 1]?.content.map((result) => result.tool_use_id));
    const open = calls.find((id) => !results.has(id));
    // Claude Code would invent a result.
    if (open !== undefined) fail(`messages: tool_use ${String(open)} has no tool_result after it`);
  }
  return said;
}

/** @throws EdgeError `invalid_request` with details that make clients fall back to sending the whole conversation. */
export function assertNoThread({ thread }: MessagesRequest): void {
  if (thread === undefined || thread === null) return;
  const details = { error_code: "thread_unsupported_request", unsupported: ["thread"] };
  const message = "thread: no conversation is held here; send all of it.";
  throw new EdgeError("invalid_request", message, details);
}

const isBlank = ({ type, text: said }: Block) =>
  type === "text" && (typeof said !== "string" || said.trim() === "");

function withoutCacheMarker({ cache_control: _mark, ...rest }: Block): Block {
  const { content } = rest as { content?: unknown };
  return (
    Array.isArray(content) ? { ...rest, content: content.map(withoutCacheMarker) } : rest
  ) as Block;
}

function fail(message: string): never {
  throw new EdgeError("invalid_request", `${message}.`);
}
