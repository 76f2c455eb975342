import {
  accountName,
  EdgeError,
  PROTOCOL_VERSION,
  sessionOptions,
  toWireError,
  type SdkMessage,
  type SessionOptions,
  type WireError,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import type { AcceptedTurn, TurnCall } from "../account/account-do.js";
import { assertAllowed } from "../http/access.js";
import type { AccountStub } from "../http/account-stub.js";
import { commonHeaders, errorHeaders, readError } from "../http/answers.js";
import { readBody } from "../http/body.js";
import { account, assertModel, json, nameOf, stubOf, traceOf, type Call } from "../http/call.js";
import { frameStream } from "../http/frames.js";
import { modelStatus } from "../http/status.js";
import { TurnEvents } from "../http/turn-events.js";
import { VERSION } from "../version.js";
import { readArguments, type ArgumentOptions } from "./claude-code-args.js";
import type { Dialect } from "./dialect.js";
import { namesOf } from "./names.js";
import { sessionIdOf } from "./session-id.js";
import { assertAsksNobody, completedBy } from "./turn.js";

const { model, maxTurns, allowedTools, disallowedTools, permissionMode } = sessionOptions.shape;

/**
 * The `claude` program behind an endpoint.
 *
 * | field | what it is here |
 * |---|---|
 * | `prompt` | the prompt of a turn |
 * | `stream`, `outputFormat` | NDJSON, or JSON for `stream: false` and `outputFormat: "json"`; the format counts first |
 * | `verbose` | all messages in a JSON answer; a stream has them anyway |
 * | `model`, `maxTurns`, `allowedTools`, `disallowedTools`, `permissionMode`, `systemPrompt` | the session's options of these names |
 * | `appendSystemPrompt` | comes behind `systemPrompt`, or behind that of Claude Code |
 * | `additionalArgs` | the same options as flags of `claude`; see claude-code-args.ts. They count before the fields |
 * | `sessionId` | the session, made when it is new. What is no UUID stands for one that is made from it |
 * | `resumeSessionId` | a session that is there |
 * | `continueSession` | the account's newest session, if no id is given |
 * | `accountId` | the account; for the root key alone |
 * | lines | the Agent SDK's messages; `result` is the last, and is there only when the turn has completed |
 * | last line `type: "error"` | the turn has not completed |
 */
const claudeCodeRequest = z.strictObject({
  prompt: z.string(),
  inputFormat: z.optional(z.literal("text")),
  outputFormat: z.optional(z.enum(["json", "stream-json"])),
  stream: z.optional(z.boolean()),
  verbose: z.optional(z.boolean()),
  model,
  maxTurns,
  allowedTools,
  disallowedTools,
  permissionMode,
  systemPrompt: z.optional(z.string()),
  appendSystemPrompt: z.optional(z.string()),
  additionalArgs: z.optional(z.array(z.string())),
  sessionId: z.optional(z.string().check(z.minLength(1), z.maxLength(256))),
  resumeSessionId: z.optional(z.string().check(z.minLength(1), z.maxLength(256))),
  continueSession: z.optional(z.boolean()),
  accountId: z.optional(accountName),
});
type ClaudeCodeRequest = z.infer<typeof claudeCodeRequest>;

/** What a request says of its session's options; the rest is agent.config.ts's. */
function optionsOf(request: ClaudeCodeRequest): SessionOptions {
  const named: Record<string, unknown> = {
    model: request.model,
    maxTurns: request.maxTurns,
    allowedTools: request.allowedTools,
    disallowedTools: request.disallowedTools,
    permissionMode: request.permissionMode,
    systemPrompt: request.systemPrompt,
    appendSystemPrompt: request.appendSystemPrompt,
    ...readArguments(request.additionalArgs ?? []),
  };
  const { appendSystemPrompt: append, systemPrompt, ...rest } = named as ArgumentOptions;
  const preset = { type: "preset", preset: "claude_code" } as const;
  const system = append
    ? systemPrompt
      ? `${String(systemPrompt)}\n\n${append}`
      : { ...preset, append }
    : systemPrompt;
  const all = Object.entries({ ...rest, systemPrompt: system || undefined });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as SessionOptions;
}

/** A turn in a session that is there. What the request says of its options holds from then on. */
async function goOn(
  c: Call,
  stub: AccountStub,
  id: string,
  request: ClaudeCodeRequest,
  call: TurnCall,
): Promise<AcceptedTurn> {
  const session = await stub.getSession(id);
  assertAsksNobody(session);
  const options = { ...session.options, ...optionsOf(request) };
  if (JSON.stringify(options) !== JSON.stringify(session.options)) {
    const { token } = c.get("caller");
    if (token) assertAllowed(token, { scopes: ["sessions:write"] });
    await stub.updateSession(id, { options });
  }
  return stub.createTurn(nameOf(c, request.accountId), id, { prompt: request.prompt }, call);
}

async function begin(
  c: Call,
  stub: AccountStub,
  request: ClaudeCodeRequest,
  call: TurnCall,
): Promise<AcceptedTurn> {
  const { prompt, sessionId, resumeSessionId, continueSession, accountId } = request;
  const name = nameOf(c, accountId);
  if (resumeSessionId !== undefined) {
    return goOn(c, stub, await sessionIdOf(name, resumeSessionId), request, call);
  }
  if (sessionId === undefined && continueSession) {
    const { token } = c.get("caller");
    // An id is something to know; the newest session is not.
    if (token) assertAllowed(token, { scopes: ["sessions:read"] });
    const [newest] = (await stub.listSessions(undefined, 1)).sessions;
    if (newest) return goOn(c, stub, newest.id, request, call);
  }
  const id = sessionId === undefined ? undefined : await sessionIdOf(name, sessionId);
  const session = { prompt, session_id: id, options: optionsOf(request) };
  try {
    return await stub.query(name, session, call);
  } catch (error) {
    if (id === undefined || toWireError(error).code !== "session_exists") throw error;
  }
  return goOn(c, stub, id, request, call);
}

/**
 * A turn's messages, its result last. What the Agent SDK calls a success may be none, so the result is held back until
 * it is known. @throws EdgeError what the turn failed with.
 */
async function* messagesOf(events: TurnEvents): AsyncGenerator<SdkMessage> {
  let result: SdkMessage | undefined;
  for await (const event of events) {
    if (event.kind === "message") {
      if (event.message.type === "result") result = event.message;
      else yield event.message;
    }
    if (!completedBy(event)) continue;
    if (!result) throw new EdgeError("internal", "The turn has completed without a result.");
    yield result;
  }
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

async function* linesOf(events: TurnEvents, requestId: string): AsyncGenerator<string> {
  try {
    for await (const message of messagesOf(events)) yield line(message);
  } catch (thrown) {
    yield line(errorBody(readError(thrown, requestId), requestId));
  }
}

/** Before a line of JSON a blank means nothing. */
const HEARTBEAT = " ";

async function handle(c: Call): Promise<Response> {
  const { value, once } = await readBody(c, claudeCodeRequest);
  const { stream = true, verbose = false, outputFormat, sessionId } = value;
  assertModel(c.env);
  const stub = stubOf(c, nameOf(c, value.accountId));
  const accepted = await begin(c, stub, value, { once, traceparent: traceOf(c) });
  const events = new TurnEvents(c, stub, accepted);
  const requestId = c.get("requestId");
  const isStream = outputFormat === undefined ? stream : outputFormat === "stream-json";
  if (isStream) {
    const lines = frameStream(linesOf(events, requestId), HEARTBEAT, () => events.cancel());
    const headers = {
      ...commonHeaders(requestId),
      "content-type": "text/plain; charset=utf-8",
      // Plain text is compressed on the way, and comes in one piece at the end then, unless it says this.
      "content-encoding": "identity",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    };
    return new Response(lines, { headers });
  }
  const messages: SdkMessage[] = [];
  let last: SdkMessage | undefined;
  for await (const message of messagesOf(events)) {
    if (verbose) messages.push(message);
    last = message;
  }
  if (last?.type !== "result") throw new EdgeError("internal", "The turn's events broke off.");
  return json(c, {
    ...last,
    sessionId: sessionId ?? accepted.turn.session_id,
    requestId,
    cost_usd: last.total_cost_usd,
    ...(verbose ? { messages } : {}),
  });
}

/** What the service is. */
async function describe(c: Call): Promise<Response> {
  return json(c, {
    status: "healthy",
    service: "claude-edge",
    version: VERSION,
    endpoints: ["POST /claude-code", "GET /debug", "GET /health"],
    timestamp: new Date().toISOString(),
  });
}

/** How it is set up, without a secret or a part of one. */
async function debug(c: Call): Promise<Response> {
  return json(c, {
    timestamp: new Date().toISOString(),
    version: VERSION,
    protocol: PROTOCOL_VERSION,
    dialects: namesOf(c.env),
    apiConfiguration: modelStatus(c.env),
    container: await account(c).containerStatus(nameOf(c), false),
  });
}

/** `error` is a category there; the code is one. */
const errorBody = (error: WireError, requestId: string): object => ({
  type: "error",
  error: error.code,
  ...error,
  request_id: requestId,
});

/** `POST /claude-code`, the `claude` program as an agent router puts it behind HTTP. */
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
