import { EdgeError, MAX_OPTIONS_CHARS, type SessionOptions } from "@claude-edge/protocol";
import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import type { NewMessage } from "../../session/ephemeral-table.js";
import { conversationOf, fieldsOf, type MessagesRequest, type Said } from "./request.js";

/**
 * Maps a request of the Messages API to a session of one turn: the history is the transcript, the last message the prompt.
 * @throws EdgeError `invalid_request`.
 */
export function turnOf(request: MessagesRequest): NewMessage {
  const session = crypto.randomUUID();
  const turn = crypto.randomUUID();
  const said = conversationOf(request);
  const last = said.at(-1)!;
  // Claude Code takes no tool results as a prompt, so these go into the transcript and it continues there. Other messages
  // must be a prompt: in the transcript, it would parse them for commands.
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

/** A transcript entry in Claude Code's format. */
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

/** Options that disable all tools but the client's, and all settings of the agent or a project. */
function optionsOf({ model, system }: MessagesRequest): SessionOptions {
  const blocks = typeof system === "string" ? [system] : (system ?? []).map(({ text }) => text);
  const options: SessionOptions = {
    model,
    tools: [],
    skills: [],
    settingSources: [],
    permissionMode: "dontAsk",
    maxTurns: 1,
    // Only a default, for models that support it: the client's own fields override it.
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
