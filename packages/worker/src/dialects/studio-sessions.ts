import {
  isTerminal,
  toWireError,
  type EdgeEvent,
  type Prompt,
  type SessionResource,
  type TurnEvent,
} from "@claude-edge/protocol";

import type { AccountStub } from "../http/account-stub.js";
import { sessionIdOf } from "./session-id.js";
import { StudioEvents, type StudioEvent } from "./studio-events.js";

/** What a client calls a session: the id it chose is a tag of it, and is believed if the session's own comes of it. */
async function clientIdOf(account: string, { id, tags }: SessionResource): Promise<string> {
  if (id[14] !== "8") return id;
  for (const tag of tags) if ((await sessionIdOf(account, tag)) === id) return tag;
  return id;
}

/** A session's events behind a seq, up to what there is now. */
async function* eventsOf(stub: AccountStub, id: string, after = 0): AsyncGenerator<EdgeEvent> {
  let end = Infinity;
  for (let position = after; position < end;) {
    const { events, last_seq } = await stub.listEvents(id, position);
    end = Math.min(end, last_seq);
    if (events.length === 0) return;
    yield* events;
    position = events.at(-1)!.seq;
  }
}

/** How the last of a session's turns ended. It is the last event there is, or one of the last, or far back. */
async function lastEnd(
  stub: AccountStub,
  { id, last_seq }: SessionResource,
): Promise<TurnEvent | undefined> {
  for (const reach of [1, 100, last_seq]) {
    let found: TurnEvent | undefined;
    for await (const event of eventsOf(stub, id, Math.max(0, last_seq - reach))) {
      if (isTerminal(event)) found = event;
    }
    if (found) return found;
  }
  return undefined;
}

/** Sessions as rows of this dialect's table of them. */
export async function describeSessions(
  account: string,
  stub: AccountStub,
  sessions: SessionResource[],
): Promise<Record<string, unknown>[]> {
  const figures = await figuresOf(account, stub, sessions);
  return Promise.all(
    sessions.map(async (session) => {
      const { id, created_at, updated_at } = session;
      const end = session.status === "idle" ? await lastEnd(stub, session) : undefined;
      const { turns, cost_usd } = figures?.get(id) ?? { turns: 0, cost_usd: 0 };
      return {
        id: await clientIdOf(account, session),
        created_at,
        updated_at,
        status: end ? (end.status === "completed" ? "completed" : "error") : "active",
        pipeline_stage: end ? "unknown" : "init",
        sdk_session_id: id,
        ...(figures ? { total_cost_usd: cost_usd, total_turns: turns } : {}),
        error_message: end?.error?.message ?? null,
        metadata: null,
      };
    }),
  );
}

/** What sessions have used. */
async function figuresOf(
  account: string,
  stub: AccountStub,
  sessions: SessionResource[],
): Promise<Map<string, { turns: number; cost_usd: number }> | undefined> {
  const from = sessions.map(({ created_at }) => created_at.slice(0, 10)).toSorted()[0];
  if (from === undefined) return undefined;
  try {
    const { groups = [] } = await stub.usage(account, { from, group: "session" });
    return new Map(groups.map((group) => [group.key, group]));
  } catch (error) {
    // More sessions than a report holds: a list without figures is better than none.
    if (toWireError(error).code === "invalid_request") return undefined;
    throw error;
  }
}

/** What was said in a session, in the form in which this dialect's pages keep it. */
export async function* messagesOf(
  stub: AccountStub,
  id: string,
): AsyncGenerator<Record<string, unknown>> {
  // A turn can be queued, and be cancelled there, while another runs.
  const turns = new Map<string, StudioEvents>();
  for await (const event of eventsOf(stub, id)) {
    const turn = turns.get(event.turn_id) ?? new StudioEvents(id);
    turns.set(event.turn_id, turn);
    if (event.kind === "turn" && event.prompt !== undefined) {
      const content = promptText(event.prompt);
      yield { id: event.turn_id, role: "user", type: "text", content };
    }
    for (const told of turn.tell(event)) {
      const message = toMessage(told, event.turn_id);
      if (message) yield message;
    }
    if (isTerminal(event)) turns.delete(event.turn_id);
  }
}

function toMessage(told: StudioEvent, turn: string): Record<string, unknown> | undefined {
  if (told.type === "assistant_message") {
    const { id, messageType, text } = told;
    const type = messageType === "thinking" ? "thinking" : "text";
    return { id, role: "assistant", type, content: text };
  }
  if (told.type === "system" && told.subtype === "tool_call") {
    const {
      tool_use_id: toolId,
      tool_name: toolName,
      tool_input: toolInput,
    } = told.data as Record<string, unknown>;
    return { id: toolId, role: "assistant", type: "tool_use", toolName, toolId, toolInput };
  }
  if (told.type !== "error") return undefined;
  const { code, error } = told;
  return { id: `${turn}-error`, role: "system", type: "text", content: `Error: ${error}`, code };
}

const promptText = (prompt: Prompt): string =>
  typeof prompt === "string"
    ? prompt
    : prompt.map(({ text }) => (typeof text === "string" ? text : "")).join("\n");
