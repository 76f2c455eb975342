import { EdgeError, MAX_OPTIONS_CHARS, type SessionOptions } from "@claude-edge/protocol";
import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import type { NewMessage } from "../account/message-sessions.js";
import { conversationOf, fieldsOf, type MessagesRequest, type Said } from "./messages-request.js";

/**
 * A request of the Messages API as a session of one turn: its history is the transcript, its last message the prompt.
 * @throws EdgeError `invalid_request`.
 */
export function turnOf(request: MessagesRequest): NewMessage {
  const session = crypto.randomUUID();
  const turn = crypto.randomUUID();
  const said = conversationOf(request);
  const last = said.at(-1)!;
  // Claude Code takes no results for a prompt: they are gone on with, as a turn that was cut off behind them. Anything
  // else it would read for commands that way.
  const isPrompt = last.content.every(({ type }) => type !== "tool_result");
  const history = isPrompt ? said.slice(0, -1) : said;
  const ids = history.map(() => crypto.randomUUID() as string);
  if (!isPrompt) ids[ids.length - 1] = turn;
  const transcript = history.map((message, place) => ({
    ...entryOf(message, request.model),
    uuid: ids[place]!,
    parentUuid: ids[place - 1] ?? null,
    sessionId: session,
  }));
  return {
    session,
    turn,
    options: optionsOf(request),
    transcript,
    ...(isPrompt ? { prompt: last.content } : {}),
    message: { tools: toolsOf(request), body: fieldsOf(request) },
  };
}

/** As Claude Code writes them. */
function entryOf({ role, content }: Said, model: string): TranscriptEntry["entry"] {
  const common = { type: role, timestamp: new Date().toISOString(), isSidechain: false };
  if (role === "user") return { ...common, message: { role, content } };
  const calls = content.some(({ type }) => type === "tool_use");
  const message = {
    id: `msg_${crypto.randomUUID().replaceAll("-", "")}`,
    type: "message",
    role,
    model,
    content,
    stop_reason: calls ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  };
  return { ...common, message };
}

/** A Claude Code that has no tools but the client's, and nothing of the agent's or of a project's. */
function optionsOf({ model, system }: MessagesRequest): SessionOptions {
  const blocks = typeof system === "string" ? [system] : (system ?? []).map(({ text }) => text);
  const options: SessionOptions = {
    model,
    tools: [],
    skills: [],
    settingSources: [],
    permissionMode: "dontAsk",
    maxTurns: 1,
    // Where the model can do without; what the client asks for goes before it.
    thinking: { type: "disabled" },
    ...(blocks.length > 0 ? { systemPrompt: blocks } : {}),
  };
  if (JSON.stringify(options).length > MAX_OPTIONS_CHARS) {
    const message = `system: more than ${MAX_OPTIONS_CHARS} characters do not go through Claude Code.`;
    throw new EdgeError("invalid_request", message);
  }
  return options;
}

const toolsOf = ({ tools = [] }: MessagesRequest): NewMessage["message"]["tools"] =>
  tools.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
