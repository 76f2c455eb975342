import {
  accountName,
  createSessionRequest,
  deltaText,
  isTerminal,
  sessionOptions,
  type EdgeEvent,
  type Prompt,
  type SdkMessage,
  type SessionOptions,
  type SessionResource,
  type WireError,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import type { AcceptedTurn } from "../account/account-do.js";
import { CHANGES, READS, SENDS } from "../http/access.js";
import type { AccountStub } from "../http/account-stub.js";
import { errorHeaders, readError, streamAnswer } from "../http/answers.js";
import { readBody } from "../http/body.js";
import { account, assertModel, json, nameOf, stubOf, traceOf, type Call } from "../http/call.js";
import { frameStream, SSE_HEARTBEAT, sseFrame } from "../http/frames.js";
import { pageSize, wholeNumber } from "../http/query-string.js";
import { TurnEvents } from "../http/turn-events.js";
import type { Dialect } from "./dialect.js";
import { assertAsksNobody, completedBy, untilCompleted, type CompletedTurn } from "./turn.js";

/**
 * Conversations as a REST API: a conversation is a session, a message a turn.
 *
 * | field | what it is here |
 * |---|---|
 * | `conversation_id` | the session's id |
 * | `model`, `system_prompt`, `allowed_tools`, `disallowed_tools`, `permission_mode`, `max_turns` | the session's options, below |
 * | `title` | the session's |
 * | `prompt` | the prompt of a turn: in a session of its own, or in the conversation's |
 * | `stream` | server-sent events, as `/stream` gives them |
 * | `accountId` | the account; for the root key alone |
 * | answer `response` | the text of the turn's last answer |
 * | answer `duration_ms`, `num_turns`, `total_cost_usd` | the turn's |
 * | event `text` | `content`: the next piece of an answer |
 * | event `tool_use` | `id`, `name`, `input`: a tool is called |
 * | event `result`, then `done` | the turn has completed; fields as in an answer |
 * | event `error` | it has not: `message`, `code`; the last event |
 * | error `detail` | the error's message |
 */
const OPTIONS = {
  model: "model",
  system_prompt: "systemPrompt",
  allowed_tools: "allowedTools",
  disallowed_tools: "disallowedTools",
  permission_mode: "permissionMode",
  max_turns: "maxTurns",
} as const satisfies Record<string, keyof SessionOptions>;

const { shape } = sessionOptions;
/** Clients in Python send `None` for what they leave out. */
const maybe = <Schema extends z.ZodMiniType>(schema: Schema) => z.optional(z.nullable(schema));

const addressed = { accountId: maybe(accountName) };
const optioned = {
  model: maybe(shape.model),
  system_prompt: maybe(z.string()),
  allowed_tools: maybe(shape.allowedTools),
  disallowed_tools: maybe(shape.disallowedTools),
  permission_mode: maybe(shape.permissionMode),
  max_turns: maybe(shape.maxTurns),
};
const prompted = { prompt: z.string(), stream: maybe(z.boolean()) };

const conversationRequest = z.strictObject({
  ...addressed,
  ...optioned,
  title: maybe(createSessionRequest.shape.title),
});
const queryRequest = z.strictObject({ ...addressed, ...optioned, ...prompted });
const messageRequest = z.strictObject({ ...addressed, ...prompted });

type Optioned = { [Field in keyof typeof OPTIONS]?: unknown };

function optionsOf(body: Optioned): SessionOptions {
  const fields = Object.entries(OPTIONS) as [keyof Optioned, string][];
  const named = fields.map(([field, option]) => [option, body[field] ?? undefined]);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined)) as SessionOptions;
}

function conversationOf({ id, title, status, options, ...session }: SessionResource): object {
  const { systemPrompt } = options;
  return {
    conversation_id: id,
    title,
    status,
    model: options.model ?? null,
    system_prompt: typeof systemPrompt === "string" ? systemPrompt : null,
    allowed_tools: options.allowedTools ?? null,
    disallowed_tools: options.disallowedTools ?? null,
    permission_mode: options.permissionMode ?? null,
    max_turns: options.maxTurns ?? null,
    created_at: session.created_at,
    updated_at: session.updated_at,
  };
}

const answerOf = ({ session_id, result, usage }: CompletedTurn): object => ({
  conversation_id: session_id,
  response: result.text,
  duration_ms: result.duration_ms,
  num_turns: result.num_turns,
  total_cost_usd: usage?.cost_usd ?? null,
});

// Sending.

type Send = (c: Call) => Promise<{ stub: AccountStub; accepted: AcceptedTurn; stream: boolean }>;

/** One prompt in a session of its own. */
const sendAlone: Send = async (c) => {
  const { value, once } = await readBody(c, queryRequest);
  const name = nameOf(c, value.accountId ?? undefined);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const request = { prompt: value.prompt, options: optionsOf(value) };
  const accepted = await stub.query(name, request, { once, traceparent: traceOf(c) });
  return { stub, accepted, stream: value.stream ?? false };
};

/** The next prompt of a conversation. */
const sendMessage: Send = async (c) => {
  const { value, once } = await readBody(c, messageRequest);
  const name = nameOf(c, value.accountId ?? undefined);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const id = idOf(c);
  assertAsksNobody(await stub.getSession(id));
  const { prompt } = value;
  const accepted = await stub.createTurn(name, id, { prompt }, { once, traceparent: traceOf(c) });
  return { stub, accepted, stream: value.stream ?? false };
};

const answering =
  (send: Send) =>
  async (c: Call): Promise<Response> => {
    const { stub, accepted, stream } = await send(c);
    if (stream) return streamTurn(c, stub, accepted);
    return json(c, answerOf(await untilCompleted(stub, accepted)));
  };

const streaming =
  (send: Send) =>
  async (c: Call): Promise<Response> => {
    const { stub, accepted } = await send(c);
    return streamTurn(c, stub, accepted);
  };

function streamTurn(c: Call, stub: AccountStub, accepted: AcceptedTurn): Response {
  const requestId = c.get("requestId");
  const events = new TurnEvents(c, stub, accepted);
  const frames = framesOf(events, requestId);
  const body = frameStream(frames, SSE_HEARTBEAT, () => events.cancel());
  return streamAnswer(body, requestId);
}

async function* framesOf(events: TurnEvents, requestId: string): AsyncGenerator<string> {
  /** What was streamed of the block that is being written. */
  let streamed = "";
  try {
    for await (const event of events) {
      // One that was cut off is written again from its beginning.
      if (startsBlock(event)) streamed = "";
      const piece = deltaText(event);
      if (piece !== "") {
        streamed += piece;
        yield sseFrame({ type: "text", content: piece });
      }
      for (const { type, text = "", id, name, input } of blocksOf(event)) {
        if (type === "tool_use") yield sseFrame({ type, id, name, input });
        if (type !== "text") continue;
        // Of a turn that is over there are whole messages only.
        const rest = text.startsWith(streamed) ? text.slice(streamed.length) : text;
        if (rest !== "") yield sseFrame({ type: "text", content: rest });
        streamed = "";
      }
      const end = completedBy(event);
      if (!end) continue;
      yield sseFrame({ type: "result", ...answerOf(end) });
      yield sseFrame({ type: "done" });
    }
  } catch (thrown) {
    const { message, ...rest } = readError(thrown, requestId);
    yield sseFrame({ type: "error", message, ...rest, request_id: requestId });
  }
}

interface Block {
  type: string;
  text?: string;
  id?: string;
  name?: string;
  input?: unknown;
}

/** A whole message of the model's: subagents are left out, and what is said of a call that failed. */
function blocksOf(event: EdgeEvent): Block[] {
  if (event.kind !== "message" || event.message.type !== "assistant") return [];
  const { message, parent_tool_use_id, error } = event.message as SdkMessage & {
    message?: { content?: unknown };
  };
  if (parent_tool_use_id || error || !Array.isArray(message?.content)) return [];
  return message.content as Block[];
}

function startsBlock(event: EdgeEvent): boolean {
  if (event.kind !== "delta" || event.message.parent_tool_use_id) return false;
  return (event.message.event as { type?: unknown } | undefined)?.type === "content_block_start";
}

// Conversations.

const idOf = (c: Call): string => c.req.param("id") ?? "";

async function create(c: Call): Promise<Response> {
  const { value, once } = await readBody(c, conversationRequest);
  const name = nameOf(c, value.accountId ?? undefined);
  const title = value.title ?? undefined;
  const session = { title, options: optionsOf(value) };
  return json(c, conversationOf(await stubOf(c, name).createSession(name, session, once)), 201);
}

async function list(c: Call): Promise<Response> {
  const { sessions, next_cursor } = await account(c).listSessions(
    c.req.query("cursor"),
    pageSize(c),
  );
  const next = next_cursor === undefined ? {} : { next_cursor };
  const conversations = sessions.map(conversationOf);
  return json(c, { conversations, count: conversations.length, ...next });
}

async function get(c: Call): Promise<Response> {
  return json(c, conversationOf(await account(c).getSession(idOf(c))));
}

async function remove(c: Call): Promise<Response> {
  await account(c).deleteSession(idOf(c));
  return json(c, { status: "deleted", conversation_id: idOf(c) });
}

/** Prompts and answers can be a megabyte each: a page ends with the message that goes beyond this, in characters. */
const PAGE_CHARS = 4 * 1024 * 1024;

/** What was asked and answered, turn by turn. `next_after` is there when more may follow. */
async function messages(c: Call): Promise<Response> {
  const id = idOf(c);
  const limit = pageSize(c);
  const stub = account(c);
  const found: object[] = [];
  let chars = 0;
  let after = wholeNumber("after", c.req.query("after"), 0);
  for (;;) {
    const page = await stub.listEvents(id, after);
    for (const event of page.events) {
      if (found.length >= limit || chars > PAGE_CHARS) {
        return json(c, { conversation_id: id, messages: found, next_after: after });
      }
      after = event.seq;
      const message = messageOf(event);
      if (!message) continue;
      found.push(message);
      chars += JSON.stringify(message).length;
    }
    if (page.events.length === 0) return json(c, { conversation_id: id, messages: found });
  }
}

/** A turn that has not completed has no content, and says why. */
function messageOf(event: EdgeEvent): object | undefined {
  if (event.kind !== "turn") return undefined;
  const { turn_id, status, prompt, result, error } = event;
  if (status === "queued" && prompt !== undefined) {
    return { turn_id, role: "user", content: textOf(prompt) };
  }
  if (!isTerminal(event)) return undefined;
  const failed = error && { error: { code: error.code, message: error.message } };
  return { turn_id, role: "assistant", status, content: result?.text ?? null, ...failed };
}

const textOf = (prompt: Prompt): string =>
  typeof prompt === "string"
    ? prompt
    : prompt.map(({ text }) => (typeof text === "string" ? text : "")).join("\n");

function errorAnswer(error: WireError, status: number, requestId: string): Response {
  const { message, ...rest } = error;
  const body = { detail: message, ...rest, request_id: requestId };
  return Response.json(body, { status, headers: errorHeaders(error, requestId) });
}

const QUERIES = { scopes: ["query"] } as const;
const CREATES = { scopes: ["sessions:write"] } as const;
const LISTS = { scopes: ["sessions:read"] } as const;

/** Conversations of the REST kind, as a FastAPI server around the Agent SDK has them. */
export const conversations: Dialect = {
  name: "conversations",
  routes: [
    { method: "POST", path: "/query", access: QUERIES, handle: answering(sendAlone) },
    { method: "POST", path: "/stream", access: QUERIES, handle: streaming(sendAlone) },
    { method: "POST", path: "/conversations", access: CREATES, handle: create },
    { method: "GET", path: "/conversations", access: LISTS, handle: list },
    { method: "GET", path: "/conversations/:id", access: READS, handle: get },
    { method: "DELETE", path: "/conversations/:id", access: CHANGES, handle: remove },
    {
      method: "POST",
      path: "/conversations/:id/messages",
      access: SENDS,
      handle: answering(sendMessage),
    },
    { method: "GET", path: "/conversations/:id/messages", access: READS, handle: messages },
    {
      method: "POST",
      path: "/conversations/:id/stream",
      access: SENDS,
      handle: streaming(sendMessage),
    },
  ],
  error: errorAnswer,
};
