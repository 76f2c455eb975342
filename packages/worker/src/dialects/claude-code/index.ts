import { PROTOCOL_VERSION, toWireError } from "@claude-edge/protocol";

import type { PromptCall } from "../../http/account.js";
import type { AcceptedTurn } from "../../session/calls.js";
import { assertAllowed } from "../../http/access.js";
import type { Account } from "../../http/account.js";
import { commonHeaders, errorHeaders } from "../../errors.js";
import { readBody } from "../../http/body.js";
import { account, assertModel, json, nameOf, stubOf, traceOf } from "../../http/call.js";
import type { Call, Dialect } from "../../http/contract.js";
import { frameStream } from "../../http/frames.js";
import { modelStatus } from "../../http/status.js";
import { TurnEvents } from "../../http/turn-events.js";
import { VERSION } from "../../version.js";
import { answerOf, errorBody, linesOf } from "./answer.js";
import { claudeCodeRequest, optionsOf, type ClaudeCodeRequest } from "./request.js";
import { dialectNames } from "../../settings.js";
import { sessionIdOf } from "../session-id.js";
import { assertNeedsNoAnswers } from "../turn.js";

/** Creates a turn in an existing session. Options in the request become the session's. */
async function continueSession(
  c: Call,
  stub: Account,
  id: string,
  request: ClaudeCodeRequest,
  call: PromptCall,
): Promise<AcceptedTurn> {
  const session = await stub.getSession(id);
  assertNeedsNoAnswers(session);
  const options = { ...session.options, ...optionsOf(request) };
  if (JSON.stringify(options) !== JSON.stringify(session.options)) {
    const { token } = c.get("caller");
    if (token) assertAllowed(token, { scopes: ["sessions:write"] });
    await stub.updateSession(id, { options });
  }
  return stub.createTurn(id, { prompt: request.prompt }, call);
}

async function createTurn(
  c: Call,
  stub: Account,
  request: ClaudeCodeRequest,
  call: PromptCall,
): Promise<AcceptedTurn> {
  const { prompt, sessionId, resumeSessionId, accountId } = request;
  const name = nameOf(c, accountId);
  if (resumeSessionId !== undefined) {
    return continueSession(c, stub, await sessionIdOf(name, resumeSessionId), request, call);
  }
  if (sessionId === undefined && request.continueSession) {
    const { token } = c.get("caller");
    // Knowing an id proves access; continuing the newest session does not.
    if (token) assertAllowed(token, { scopes: ["sessions:read"] });
    const [newest] = (await stub.listSessions(undefined, 1)).sessions;
    if (newest) return continueSession(c, stub, newest.id, request, call);
  }
  const id = sessionId === undefined ? undefined : await sessionIdOf(name, sessionId);
  const session = { prompt, session_id: id, options: optionsOf(request) };
  try {
    return await stub.query(session, call);
  } catch (error) {
    if (id === undefined || toWireError(error).code !== "session_exists") throw error;
  }
  return continueSession(c, stub, id, request, call);
}

/** JSON allows whitespace before a line. */
const HEARTBEAT = " ";

async function handle(c: Call): Promise<Response> {
  const { value, idempotency } = await readBody(c, claudeCodeRequest);
  const { stream = true, verbose = false, outputFormat, sessionId } = value;
  assertModel(c.env);
  const stub = stubOf(c, nameOf(c, value.accountId));
  const accepted = await createTurn(c, stub, value, { idempotency, traceparent: traceOf(c) });
  const events = new TurnEvents(c, stub, accepted);
  const requestId = c.get("requestId");
  const isStream = outputFormat === undefined ? stream : outputFormat === "stream-json";
  if (isStream) {
    const lines = frameStream(linesOf(events, requestId), HEARTBEAT, () => events.cancel());
    const headers = {
      ...commonHeaders(requestId),
      "content-type": "text/plain; charset=utf-8",
      // Without this, plain text is compressed on the way and arrives only at its end.
      "content-encoding": "identity",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    };
    return new Response(lines, { headers });
  }
  const answer = await answerOf(events, verbose);
  return json(c, { ...answer, sessionId: sessionId ?? accepted.turn.session_id, requestId });
}

/** Describes the service. */
async function describe(c: Call): Promise<Response> {
  return json(c, {
    status: "healthy",
    service: "claude-edge",
    version: VERSION,
    endpoints: ["POST /claude-code", "GET /debug", "GET /health"],
    timestamp: new Date().toISOString(),
  });
}

/** Describes the configuration, without secrets or parts of them. */
async function debug(c: Call): Promise<Response> {
  return json(c, {
    timestamp: new Date().toISOString(),
    version: VERSION,
    protocol: PROTOCOL_VERSION,
    dialects: dialectNames(c.env),
    apiConfiguration: modelStatus(c.env),
    container: await account(c).containerStatus(false),
  });
}

/** `POST /claude-code`: the `claude` program over HTTP, as served by an agent router. */
export const claudeCode: Dialect = {
  name: "claude-code",
  routes: [
    { method: "POST", path: "/claude-code", access: { scopes: ["query"] }, handle },
    { method: "GET", path: "/", access: "open", handle: describe },
    { method: "GET", path: "/debug", access: "root key", handle: debug },
  ],
  error: (error, status, requestId) =>
    Response.json(errorBody(error, requestId), { status, headers: errorHeaders(error, requestId) }),
};
