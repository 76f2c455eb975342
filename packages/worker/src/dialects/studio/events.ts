import { deltaText, isFinal, type EdgeEvent, type TurnEvent } from "@claude-edge/protocol";
import type { SdkMessage, WireError } from "@claude-edge/protocol";

import { cut } from "../../sql/parts.js";

/** An event in this dialect's format: JSON in an unnamed frame. */
export interface StudioEvent {
  type: string;
  [field: string]: unknown;
}

/** The fields of a content block that are used here. */
interface Block {
  type?: unknown;
  text?: unknown;
  id?: unknown;
  name?: unknown;
  input?: Record<string, unknown>;
  tool_use_id?: unknown;
  content?: unknown;
  is_error?: unknown;
}

/** A message of the model. The Agent SDK emits one per block, all with the same id. */
interface ModelMessage {
  id: unknown;
  uuid: unknown;
  text: string;
  hasTools: boolean;
  /** The client has received the message's type. */
  hinted: boolean;
}

const MAX_DETAIL = 100;
const MAX_SUMMARY = 200;

/** An error in this dialect's format, for answers and streams. */
export const describeError = (error: WireError): Record<string, unknown> => ({
  success: false,
  // The dialect's server sends one of these, its pages read the other.
  error: error.message,
  ...error,
});

/** Maps the events of one turn to this dialect's events. */
export class StudioEvents {
  /** The client's id of the session. */
  readonly #sessionId: string;
  readonly #toolNames = new Map<unknown, unknown>();
  #message: ModelMessage | undefined;
  #messageCount = 0;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  *eventsFor(event: EdgeEvent): Generator<StudioEvent> {
    if (event.kind === "turn") yield* this.#turn(event);
    else if (event.kind === "delta") yield* this.#delta(event);
    else if (event.kind === "message") {
      this.#messageCount += 1;
      if (event.message.type === "assistant") yield* this.#assistant(event.message);
      else if (event.message.type === "user") yield* this.#results(event.message);
    }
  }

  *#turn(event: TurnEvent): Generator<StudioEvent> {
    const { status } = event;
    if (isFinal(status)) {
      yield* this.#flush();
      yield* this.#end(event);
    } else yield { type: "status", message: STATUS[status] };
  }

  *#end({ status, result, error, usage }: TurnEvent): Generator<StudioEvent> {
    const sessionId = this.#sessionId;
    if (status !== "completed") {
      yield { type: "error", sessionId, ...(error ? describeError(error) : {}) };
      return;
    }
    const response = result?.text ?? "";
    yield { type: "done", sessionId };
    yield { type: "result", success: true, sessionId, response, messageCount: this.#messageCount };
    yield {
      type: "complete",
      sessionId,
      exitCode: 0,
      response,
      checkpoint: null,
      awaitingInput: false,
      instrumentation: {
        sessionId,
        totalDuration_ms: result?.duration_ms,
        totalCost_usd: usage?.cost_usd,
        tokens: usage,
      },
    };
  }

  *#delta(event: Extract<EdgeEvent, { kind: "delta" }>): Generator<StudioEvent> {
    if (event.message.parent_tool_use_id) return;
    const inner = event.message.event as
      | { type?: unknown; message?: { id?: unknown }; content_block?: Block }
      | undefined;
    if (inner?.type === "message_start") yield* this.#begin(inner.message?.id);
    if (inner?.type === "message_stop") yield* this.#flush();
    if (inner?.content_block?.type === "tool_use") yield* this.#hint("thinking");
    const text = deltaText(event);
    if (text) yield { type: "text_delta", text };
  }

  *#assistant(message: SdkMessage): Generator<StudioEvent> {
    // The Agent SDK's message for a failed model call. The turn's end reports the error.
    if (message.error !== undefined) return;
    const { id } = (message.message ?? {}) as { id?: unknown };
    const ofSubagent = Boolean(message.parent_tool_use_id);
    if (!ofSubagent) yield* this.#begin(id);
    for (const block of blocksOf(message)) {
      if (block.type === "text" && !ofSubagent) {
        this.#message!.uuid ??= message.uuid;
        this.#message!.text += String(block.text ?? "");
      } else if (block.type === "tool_use") {
        if (!ofSubagent) {
          this.#message!.hasTools = true;
          yield* this.#flush();
        }
        yield this.#call(block);
      }
    }
  }

  #call({ id, name, input = {} }: Block): StudioEvent {
    this.#toolNames.set(id, name);
    const detail = detailOf(name, input);
    const data = { tool_name: name, detail, tool_use_id: id, tool_input: input };
    return { type: "system", subtype: "tool_call", data };
  }

  *#results(message: SdkMessage): Generator<StudioEvent> {
    for (const { type, tool_use_id, content, is_error } of blocksOf(message)) {
      if (type !== "tool_result") continue;
      const text = typeof content === "string" ? content : textOf(content);
      const data = {
        tool_name: this.#toolNames.get(tool_use_id),
        summary: text.length > MAX_SUMMARY ? `...${tail(text, MAX_SUMMARY)}` : text,
        tool_use_id,
        is_error: is_error === true,
      };
      yield { type: "system", subtype: "tool_result", data };
    }
  }

  /** Starts a new message, if the id differs from the current one. */
  *#begin(id: unknown): Generator<StudioEvent> {
    if (this.#message && this.#message.id === id) return;
    yield* this.#flush();
    this.#message = { id, uuid: undefined, text: "", hasTools: false, hinted: false };
  }

  *#hint(messageType: "thinking" | "response"): Generator<StudioEvent> {
    if (!this.#message || this.#message.hinted) return;
    this.#message.hinted = true;
    yield { type: "message_type_hint", messageType };
  }

  /** Emits the model's complete message, once it is known whether tool calls follow. */
  *#flush(): Generator<StudioEvent> {
    if (!this.#message?.text) return;
    const { uuid: id, text, hasTools } = this.#message;
    const messageType = hasTools ? "thinking" : "response";
    yield* this.#hint(messageType);
    // The dialect's server calls it `text`, its documentation `content`.
    yield { type: "assistant_message", id, messageType, text, content: text };
    this.#message.text = "";
    this.#message.uuid = undefined;
  }
}

const STATUS = {
  queued: "Initializing container...",
  running: "Starting agent...",
  waiting: "Waiting for an answer...",
};

function blocksOf({ message }: SdkMessage): Block[] {
  const { content } = (message ?? {}) as { content?: unknown };
  return Array.isArray(content) ? (content as Block[]) : [];
}

const textOf = (blocks: unknown): string =>
  Array.isArray(blocks) ? (blocks as Block[]).map(({ text }) => String(text ?? "")).join("\n") : "";

/** A short description of a tool call's input. */
function detailOf(tool: unknown, { command, file_path, skill }: Record<string, unknown>): string {
  if (tool === "Read" || tool === "Skill")
    return String((tool === "Read" ? file_path : skill) ?? "");
  if (tool !== "Bash") return "";
  const text = String(command ?? "");
  return text.length > MAX_DETAIL ? `${cut(text, MAX_DETAIL)[0]}...` : text;
}

/** The end of a text, never starting inside a surrogate pair. */
const tail = (text: string, length: number): string =>
  text.slice(-length).replace(/^[\udc00-\udfff]/, "");
