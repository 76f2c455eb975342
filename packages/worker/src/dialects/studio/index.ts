import {
  EdgeError,
  MAX_ATTACHMENTS,
  toWireError,
  type CreateTurnRequest,
  type ErrorCode,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import type { PromptCall } from "../../http/account.js";
import type { AcceptedTurn } from "../../session/calls.js";
import { credentialOf } from "../../egress/credential.js";
import { CHANGES, FILES, READS, SENDS, type Access } from "../../http/access.js";
import type { Account } from "../../http/account.js";
import { commonHeaders, retryAfter } from "../../errors.js";
import { streamAnswer } from "../../http/answers.js";
import { readBody } from "../../http/body.js";
import { assertModel, json, nameOf, stubOf, traceOf } from "../../http/call.js";
import type { Call, Dialect } from "../../http/contract.js";
import { frameStream, SSE_HEARTBEAT, sseFrame } from "../../http/frames.js";
import { pageSize } from "../../http/query-string.js";
import { TurnEvents } from "../../http/turn-events.js";
import { sessionIdOf } from "../session-id.js";
import { describeError, StudioEvents } from "./events.js";
import { output, uploaded } from "./media.js";
import { describeSessions, messagesOf } from "./sessions.js";
import { readInputImages, upload, uploadSessionId } from "./uploads.js";

/** Session ids that a client may choose: they go into paths and must fit into a tag. */
const ID_FORM = "must be 1 to 50 letters, digits, dots, colons, dashes or underscores";

const TOO_MANY = `must be ${MAX_ATTACHMENTS} at most`;

const generateRequest = z.strictObject({
  prompt: z.string(),
  sessionId: z.optional(z.string(ID_FORM).check(z.regex(/^\w[\w.:-]{0,49}$/, ID_FORM))),
  inputImages: z.optional(z.array(z.string()).check(z.maxLength(MAX_ATTACHMENTS, TOO_MANY))),
});

const continueRequest = z.strictObject({ prompt: z.string() });

/** The request's account and session. */
async function sessionOf(
  c: Call,
): Promise<{ name: string; stub: Account; given: string; id: string }> {
  const name = nameOf(c);
  const { id: given = "" } = c.req.param() as { id?: string };
  return { name, stub: stubOf(c, name), given, id: await sessionIdOf(name, given) };
}

async function generate(c: Call): Promise<Response> {
  const { value, idempotency } = await readBody(c, generateRequest);
  const name = nameOf(c);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const { sessionId, inputImages = [] } = value;
  const { paths, attachments, borrowed } = await readInputImages(name, inputImages);
  const call = { idempotency, traceparent: traceOf(c), borrowed };
  const turn = { prompt: withPaths(value.prompt, paths), ...(attachments ? { attachments } : {}) };
  if (sessionId !== undefined) {
    const accepted = await sendTo(sessionId, turn, name, stub, call);
    return stream(c, stub, accepted, sessionId);
  }
  const accepted = await stub.query(turn, call);
  return stream(c, stub, accepted, accepted.turn.session_id);
}

/** Appends the paths of attached images: the model sees the images, but its tools need paths. */
const withPaths = (prompt: string, paths: string[]): string =>
  paths.length === 0
    ? prompt
    : [
        prompt,
        "",
        "## Reference Image File Paths",
        ...paths.map((path, index) => `- Reference ${index + 1}: ${path}`),
      ].join("\n");

/** Sends a prompt to the client's session, creating it if needed. */
async function sendTo(
  given: string,
  turn: Pick<CreateTurnRequest, "prompt" | "attachments">,
  name: string,
  stub: Account,
  call: PromptCall,
): Promise<AcceptedTurn> {
  const session_id = await sessionIdOf(name, given);
  const tags = session_id === given ? [] : [given];
  const send = () => stub.createTurn(session_id, turn, call);
  const create = () => stub.query({ ...turn, session_id, tags }, call);
  // A concurrent request may create the session in between.
  return send().catch(
    recover("session_not_found", () => create().catch(recover("session_exists", send))),
  );
}

const recover =
  <Value>(code: ErrorCode, instead: () => Promise<Value>) =>
  (error: unknown): Promise<Value> => {
    if (toWireError(error).code === code) return instead();
    throw error;
  };

async function continueTurn(c: Call): Promise<Response> {
  const { value, idempotency } = await readBody(c, continueRequest);
  const { stub, given, id } = await sessionOf(c);
  assertModel(c.env);
  const call = { idempotency, traceparent: traceOf(c) };
  return stream(c, stub, await stub.createTurn(id, value, call), given);
}

function stream(c: Call, stub: Account, accepted: AcceptedTurn, sessionId: string): Response {
  const events = new TurnEvents(c, stub, accepted);
  const frames = framesOf(events, sessionId);
  const body = frameStream(frames, SSE_HEARTBEAT, () => events.cancel());
  return streamAnswer(body, c.get("requestId"));
}

async function* framesOf(events: TurnEvents, sessionId: string): AsyncGenerator<string> {
  yield sseFrame({ type: "session_init", sessionId });
  const mapper = new StudioEvents(sessionId);
  try {
    for await (const event of events) {
      for (const mapped of mapper.eventsFor(event)) yield sseFrame(mapped);
    }
  } catch (thrown) {
    // Clients treat a broken stream as a completed one.
    yield sseFrame({ type: "error", sessionId, ...describeError(toWireError(thrown)) });
  }
}

async function cancel(c: Call): Promise<Response> {
  const { stub, id } = await sessionOf(c);
  const turns = await stub.interrupt(id);
  if (turns.length > 0) return json(c, { success: true, message: "Generation cancelled" });
  throw new EdgeError("turn_not_found", "No active generation for this session");
}

async function list(c: Call): Promise<Response> {
  const name = nameOf(c);
  const stub = stubOf(c, name);
  const found = await stub.listSessions(c.req.query("cursor"), pageSize(c));
  const uploads = await uploadSessionId(name);
  const conversations = found.sessions.filter(({ id }) => id !== uploads);
  const sessions = await describeSessions(name, stub, conversations);
  const { next_cursor } = found;
  return json(c, { success: true, count: sessions.length, sessions, next_cursor });
}

async function describe(c: Call): Promise<{ given: string; session: Record<string, unknown> }> {
  const { name, stub, given, id } = await sessionOf(c);
  const [session = {}] = await describeSessions(name, stub, [await stub.getSession(id)]);
  return { given, session };
}

async function pipeline(c: Call): Promise<Response> {
  const { given: sessionId, session } = await describe(c);
  const { pipeline_stage: stage, status } = session;
  return json(c, { success: true, sessionId, pipeline: { stage, status, checkpoint: null } });
}

async function messages(c: Call): Promise<Response> {
  const { stub, given, id } = await sessionOf(c);
  await stub.getSession(id);
  // Streamed: a session can exceed memory. The heartbeat is whitespace, which JSON ignores.
  const body = frameStream(toJson(given, messagesOf(stub, id)), " ", () => {});
  const headers = { ...commonHeaders(c.get("requestId")), "content-type": "application/json" };
  return new Response(body, { headers });
}

async function* toJson(sessionId: string, items: AsyncIterable<object>): AsyncGenerator<string> {
  yield `{"success":true,"sessionId":${JSON.stringify(sessionId)},"messages":[`;
  let count = 0;
  for await (const item of items) {
    yield `${count === 0 ? "" : ","}${JSON.stringify(item)}`;
    count += 1;
  }
  yield `],"count":${count}}`;
}

async function remove(c: Call): Promise<Response> {
  const { stub, given: sessionId, id } = await sessionOf(c);
  await stub.deleteSession(id);
  return json(c, { success: true, sessionId });
}

/** Public: it only tells whether prompts can be accepted. */
function health(c: Call): Response {
  const config = { hasAnthropicKey: credentialOf(c.env) !== undefined };
  const timestamp = new Date().toISOString();
  return json(c, { status: "healthy", agent: "claude-edge", timestamp, config });
}

/** Uploads belong to the account, so a token for one session has no access. */
const ALL_FILES: Access = { scopes: FILES.scopes };

/** The API of an agent studio: prompts with server-sent events, sessions and media. */
export const studio: Dialect = {
  name: "studio",
  routes: [
    { method: "GET", path: "/api/health", access: "open", handle: async (c) => health(c) },
    { method: "POST", path: "/api/generate", access: { scopes: ["query"] }, handle: generate },
    {
      method: "POST",
      path: "/api/generate-stream",
      access: { scopes: ["query"] },
      handle: generate,
    },
    { method: "GET", path: "/api/sessions", access: { scopes: ["sessions:read"] }, handle: list },
    {
      method: "GET",
      path: "/api/sessions/:id",
      access: READS,
      handle: async (c) => json(c, { success: true, session: (await describe(c)).session }),
    },
    { method: "DELETE", path: "/api/sessions/:id", access: CHANGES, handle: remove },
    { method: "GET", path: "/api/sessions/:id/messages", access: READS, handle: messages },
    { method: "GET", path: "/api/sessions/:id/pipeline", access: READS, handle: pipeline },
    { method: "POST", path: "/api/sessions/:id/continue", access: SENDS, handle: continueTurn },
    {
      method: "POST",
      path: "/api/sessions/:id/continue-stream",
      access: SENDS,
      handle: continueTurn,
    },
    { method: "POST", path: "/api/sessions/:id/cancel", access: SENDS, handle: cancel },
    { method: "POST", path: "/api/upload", access: ALL_FILES, handle: upload },
    // With and without the prefix: its API uses one, the URLs in its answers the other.
    ...["/api/media", ""].flatMap((prefix) => [
      {
        method: "GET" as const,
        path: `${prefix}/uploads/:path{[^]+}`,
        access: ALL_FILES,
        handle: uploaded,
      },
      {
        method: "GET" as const,
        path: `${prefix}/outputs/:id/:path{[^]+}`,
        access: FILES,
        handle: output,
      },
    ]),
  ],
  error(error, status, requestId) {
    const headers = { ...commonHeaders(requestId), ...retryAfter(error) };
    return Response.json(describeError(error), { status, headers });
  },
};
