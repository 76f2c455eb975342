import {
  isTerminal,
  toWireError,
  type EdgeEvent,
  type Prompt,
  type SessionResource,
  type TurnEvent,
} from "@claude-edge/protocol";

import type { Account } from "../../http/account.js";
import { sessionIdOf } from "../session-id.js";
import { StudioEvents, type StudioEvent } from "./events.js";

/** The client's id of a session: the tag from which the session's id was derived, or the session's id itself. */
export async function clientIdOf(
  account: string,
  { id, tags }: Pick<SessionResource, "id" | "tags">,
): Promise<string> {
  if (id[14] !== "8") return id;
  for (const tag of tags) if ((await sessionIdOf(account, tag)) === id) return tag;
  return id;
}

/** A session's events after a seq, up to the current end. */
async function* eventsOf(stub: Account, id: string, after = 0): AsyncGenerator<EdgeEvent> {
  let end = Infinity;
  for (let position = after; position < end;) {
    const { events, last_seq } = await stub.listEvents(id, position);
    end = Math.min(end, last_seq);
    if (events.length === 0) return;
    yield* events;
    position = events.at(-1)!.seq;
  }
}

/** The event that ended the session's last turn. It is usually the last event or close to it. */
async function lastEnd(
  stub: Account,
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

/** Sessions in this dialect's format. */
export async function describeSessions(
  account: string,
  stub: Account,
  sessions: SessionResource[],
): Promise<Record<string, unknown>[]> {
  const usage = await usageOf(account, stub, sessions);
  return Promise.all(
    sessions.map(async (session) => {
      const { id, created_at, updated_at } = session;
      const end = session.status === "idle" ? await lastEnd(stub, session) : undefined;
      const { turns, cost_usd } = usage?.get(id) ?? { turns: 0, cost_usd: 0 };
      return {
        id: await clientIdOf(account, session),
        created_at,
        updated_at,
        status: end ? (end.status === "completed" ? "completed" : "error") : "active",
        pipeline_stage: end ? "unknown" : "init",
        sdk_session_id: id,
        ...(usage ? { total_cost_usd: cost_usd, total_turns: turns } : {}),
        error_message: end?.error?.message ?? null,
        metadata: null,
      };
    }),
  );
}

/** Usage by session. */
async function usageOf(
  account: string,
  stub: Account,
  sessions: SessionResource[],
): Promise<Map<string, { turns: number; cost_usd: number }> | undefined> {
  const from = sessions.map(({ created_at }) => created_at.slice(0, 10)).toSorted()[0];
  if (from === undefined) return undefined;
  try {
    const { groups = [] } = await stub.call("usage", { from, group: "session" });
    return new Map(groups.map((group) => [group.key, group]));
  } catch (error) {
    // Too many sessions for a report: list them without usage.
    if (toWireError(error).code === "invalid_request") return undefined;
    throw error;
  }
}

/** A session's messages in the format of this dialect's pages. */
export async function* messagesOf(
  stub: Account,
  id: string,
): AsyncGenerator<Record<string, unknown>> {
  // A turn can be queued and cancelled while another runs.
  const turns = new Map<string, StudioEvents>();
  for await (const event of eventsOf(stub, id)) {
    const turn = turns.get(event.turn_id) ?? new StudioEvents(id);
    turns.set(event.turn_id, turn);
    if (event.kind === "turn" && event.prompt !== undefined) {
      const content = promptText(event.prompt);
      yield { id: event.turn_id, role: "user", type: "text", content };
    }
    for (const told of turn.eventsFor(event)) {
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
