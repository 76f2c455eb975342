import {
  accountName,
  createSessionRequest,
  sessionOptions,
  type SessionOptions,
  type SessionResource,
  type WireError,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import type { AcceptedTurn } from "../../session/calls.js";
import { CHANGES, READS, SENDS } from "../../http/access.js";
import type { Account } from "../../http/account.js";
import { errorHeaders } from "../../errors.js";
import { streamAnswer } from "../../http/answers.js";
import { readBody } from "../../http/body.js";
import { account, assertModel, json, nameOf, stubOf, traceOf } from "../../http/call.js";
import type { Call, Dialect } from "../../http/contract.js";
import { frameStream, SSE_HEARTBEAT } from "../../http/frames.js";
import { pageSize, wholeNumber } from "../../http/query-string.js";
import { TurnEvents } from "../../http/turn-events.js";
import { answerOf, framesOf, messageOf } from "./answer.js";
import { assertNeedsNoAnswers, waitUntilCompleted } from "../turn.js";

/**
 * Conversations as a REST API: a conversation is a session, a message a turn.
 *
 * | field | meaning |
 * |---|---|
 * | `conversation_id` | the session's id |
 * | `model`, `system_prompt`, `allowed_tools`, `disallowed_tools`, `permission_mode`, `max_turns` | the session's options, below |
 * | `title` | the session's |
 * | `prompt` | the prompt of a turn, in a new session or in the conversation's |
 * | `stream` | server-sent events, as `/stream` gives them |
 * | `accountId` | the account; for the root key only |
 * | answer `response` | the text of the turn's last answer |
 * | answer `duration_ms`, `num_turns`, `total_cost_usd` | the turn's |
 * | event `text` | `content`: the next part of an answer |
 * | event `tool_use` | `id`, `name`, `input`: a tool is called |
 * | event `result`, then `done` | the turn has completed; fields as in an answer |
 * | event `error` | the turn has failed: `message`, `code`; the last event |
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
/** Clients in Python send `None` for omitted fields. */
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

// Sending.

type Send = (c: Call) => Promise<{ stub: Account; accepted: AcceptedTurn; stream: boolean }>;

/** Runs one prompt in a new session. */
const sendAlone: Send = async (c) => {
  const { value, idempotency } = await readBody(c, queryRequest);
  const name = nameOf(c, value.accountId ?? undefined);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const request = { prompt: value.prompt, options: optionsOf(value) };
  const accepted = await stub.query(request, { idempotency, traceparent: traceOf(c) });
  return { stub, accepted, stream: value.stream ?? false };
};

/** The next prompt of a conversation. */
const sendMessage: Send = async (c) => {
  const { value, idempotency } = await readBody(c, messageRequest);
  const name = nameOf(c, value.accountId ?? undefined);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const id = idOf(c);
  assertNeedsNoAnswers(await stub.getSession(id));
  const { prompt } = value;
  const accepted = await stub.createTurn(id, { prompt }, { idempotency, traceparent: traceOf(c) });
  return { stub, accepted, stream: value.stream ?? false };
};

const answering =
  (send: Send) =>
  async (c: Call): Promise<Response> => {
    const { stub, accepted, stream } = await send(c);
    if (stream) return streamTurn(c, stub, accepted);
    return json(c, answerOf(await waitUntilCompleted(stub, accepted)));
  };

const streaming =
  (send: Send) =>
  async (c: Call): Promise<Response> => {
    const { stub, accepted } = await send(c);
    return streamTurn(c, stub, accepted);
  };

function streamTurn(c: Call, stub: Account, accepted: AcceptedTurn): Response {
  const requestId = c.get("requestId");
  const events = new TurnEvents(c, stub, accepted);
  const frames = framesOf(events, requestId);
  const body = frameStream(frames, SSE_HEARTBEAT, () => events.cancel());
  return streamAnswer(body, requestId);
}

// Conversations.

const idOf = (c: Call): string => c.req.param("id") ?? "";

async function create(c: Call): Promise<Response> {
  const { value, idempotency } = await readBody(c, conversationRequest);
  const name = nameOf(c, value.accountId ?? undefined);
  const title = value.title ?? undefined;
  const session = { title, options: optionsOf(value) };
  return json(c, conversationOf(await stubOf(c, name).createSession(session, idempotency)), 201);
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

/** A page ends with the message that exceeds this, in characters: prompts and answers can be a megabyte each. */
const PAGE_CHARS = 4 * 1024 * 1024;

/** Lists prompts and answers turn by turn. `next_after` is set when more may follow. */
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

function errorAnswer(error: WireError, status: number, requestId: string): Response {
  const { message, ...rest } = error;
  const body = { detail: message, ...rest, request_id: requestId };
  return Response.json(body, { status, headers: errorHeaders(error, requestId) });
}

const QUERIES = { scopes: ["query"] } as const;
const CREATES = { scopes: ["sessions:write"] } as const;
const LISTS = { scopes: ["sessions:read"] } as const;

/** Conversations as a REST API, as served by a FastAPI server around the Agent SDK. */
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
