import { EdgeError, isTerminal, type EdgeEvent, type TurnEvent } from "@claude-edge/protocol";

/** An event of the Messages API's stream. */
export interface StreamEvent {
  type: string;
  index?: number;
  message?: Message;
  content_block?: Block;
  delta?: Record<string, unknown>;
  usage?: Record<string, unknown>;
}

interface Message {
  content: Block[];
  usage: Record<string, unknown>;
  [field: string]: unknown;
}

type Block = Record<string, unknown>;

/**
 * The stream events of a turn's single message, from the Agent SDK, up to its `message_stop`.
 * @throws EdgeError when the turn ends without a complete message.
 */
export async function* messageEvents(turn: AsyncIterable<EdgeEvent>): AsyncGenerator<StreamEvent> {
  let isWhole = false;
  for await (const event of turn) {
    if (isTerminal(event)) throw failureOf(event);
    if (event.kind !== "delta" || event.message.parent_tool_use_id) continue;
    const inner = event.message.event as StreamEvent;
    // Claude Code also closes truncated messages, with or without a `message_delta`. Only a stop reason marks a complete one.
    if (inner.type === "message_delta") isWhole = hasStopReason(inner);
    const isEnd = inner.type === "message_delta" || inner.type === "message_stop";
    if (isEnd && !isWhole) continue;
    yield inner;
    if (inner.type === "message_stop") return;
  }
  throw new EdgeError("model_error", "The answer broke off.");
}

const hasStopReason = ({ delta }: StreamEvent): boolean => typeof delta?.stop_reason === "string";

function failureOf({ error }: TurnEvent): EdgeError {
  if (!error) return new EdgeError("model_error", "The turn ended without an answer.");
  return new EdgeError(error.code as EdgeError["code"], error.message, error.details);
}

/** Assembles a message from its stream events. @throws as the events do. */
export async function collect(events: AsyncIterable<StreamEvent>): Promise<Message> {
  let message: Message | undefined;
  const inputs = new Map<Block, string>();
  for await (const { type, index = 0, ...event } of events) {
    const block = message?.content[index];
    if (type === "message_start") message = { ...event.message!, content: [] };
    if (type === "content_block_start") message!.content[index] = { ...event.content_block };
    if (type === "content_block_delta" && block) addTo(block, event.delta ?? {}, inputs);
    if (type === "content_block_stop" && block) endInput(block, inputs.get(block));
    if (type === "message_delta") {
      Object.assign(message!, event.delta);
      Object.assign(message!.usage, event.usage);
    }
  }
  return message!;
}

function addTo(block: Block, delta: Record<string, unknown>, inputs: Map<Block, string>): void {
  const { type, ...pieces } = delta;
  if (type === "input_json_delta") {
    inputs.set(block, `${inputs.get(block) ?? ""}${String(pieces.partial_json)}`);
  } else if (type === "citations_delta") {
    block.citations = [...((block.citations as unknown[] | null) ?? []), pieces.citation];
  } else if (type === "signature_delta") {
    block.signature = pieces.signature;
  } else {
    for (const [name, piece] of Object.entries(pieces)) {
      if (typeof piece === "string") block[name] = `${String(block[name] ?? "")}${piece}`;
    }
  }
}

function endInput(block: Block, json: string | undefined): void {
  if (!json) return;
  try {
    block.input = JSON.parse(json);
  } catch {
    // Truncated by max_tokens, as the message's stop reason tells.
  }
}
