import {
  controlRequest,
  createSessionRequest,
  createTurnRequest,
  EdgeError,
  forkSessionRequest,
  interruptRequest,
  queryRequest,
  sessionStatus,
  updateSessionRequest,
  type CreateTurnRequest,
} from "@claude-edge/protocol";
import type { Hono } from "hono";

import type { AcceptedTurn } from "../session/calls.js";
import { commonHeaders } from "../errors.js";
import type { Account } from "./account.js";
import { linesAnswer, streamAnswer, tarAnswer, turnAnswer } from "./answers.js";
import { readBody } from "./body.js";
import {
  account,
  assertModel,
  json,
  maySeeSessions,
  nameOf,
  noteTurn,
  readerOf,
  stubOf,
  traceOf,
  wantsStream,
} from "./call.js";
import type { AppEnv, Call } from "./contract.js";
import { oneOf, pageSize, wholeNumber } from "./query-string.js";

/** Responds with the turn's events if the client accepts a stream, and with `respond` otherwise. */
async function answerTurn(
  c: Call,
  stub: Account,
  { turn, after }: AcceptedTurn,
  respond: () => Response | Promise<Response>,
): Promise<Response> {
  noteTurn(c, turn);
  if (!wantsStream(c)) return respond();
  const { id, session_id } = turn;
  const events = await stub.events(session_id, after, { turn: id, ...readerOf(c) });
  return streamAnswer(events, c.get("requestId"));
}

/** @throws EdgeError `invalid_request`: files are put into the workspace only between turns. */
function assertFitsPriority({ priority, attachments = [] }: CreateTurnRequest): void {
  if (priority !== "next" || attachments.length === 0) return;
  const message =
    "attachments: a prompt of priority next takes none. Send images and documents as content blocks, or another priority.";
  throw new EdgeError("invalid_request", message);
}

/** Adds the routes of queries, sessions, turns and events. */
export function addSessionRoutes(app: Hono<AppEnv>): void {
  app.post("/v1/query", async (c) => {
    const { value, idempotency } = await readBody(c, queryRequest);
    const name = nameOf(c, value.accountId);
    assertModel(c.env);
    const stub = stubOf(c, name);
    const call = { idempotency, traceparent: traceOf(c), maySeeSessions: maySeeSessions(c) };
    const accepted = await stub.query(value, call);
    return answerTurn(c, stub, accepted, async () => {
      const { session_id, id } = accepted.turn;
      const turn = await stub.waitForTurn(session_id, id);
      noteTurn(c, turn);
      return turnAnswer(turn, c.get("requestId"));
    });
  });

  app.post("/v1/sessions", async (c) => {
    const { value, idempotency } = await readBody(c, createSessionRequest);
    const name = nameOf(c, value.accountId);
    return json(c, await stubOf(c, name).createSession(value, idempotency), 201);
  });

  app.get("/v1/sessions", async (c) => {
    const { cursor, tag, title } = c.req.query();
    const filter = { tag, title, status: oneOf(c, "status", sessionStatus.options) };
    return json(c, await account(c).listSessions(cursor, pageSize(c), filter));
  });

  app.get("/v1/sessions/:id", async (c) => json(c, await account(c).getSession(c.req.param("id"))));

  app.patch("/v1/sessions/:id", async (c) => {
    const { value } = await readBody(c, updateSessionRequest);
    const name = nameOf(c, value.accountId);
    return json(c, await stubOf(c, name).updateSession(c.req.param("id"), value));
  });

  app.delete("/v1/sessions/:id", async (c) => {
    await account(c).deleteSession(c.req.param("id"));
    return new Response(null, { status: 204, headers: commonHeaders(c.get("requestId")) });
  });

  app.get("/v1/sessions/:id/export", async (c) => {
    const { token } = readerOf(c);
    return tarAnswer(await account(c).exportSession(c.req.param("id"), token), c.get("requestId"));
  });

  app.get("/v1/sessions/:id/transcript", async (c) => {
    const { token } = readerOf(c);
    const lines = await account(c).exportTranscript(c.req.param("id"), token);
    return linesAnswer(lines, c.get("requestId"));
  });

  app.post("/v1/sessions/:id/fork", async (c) => {
    const { value, idempotency } = await readBody(c, forkSessionRequest);
    const name = nameOf(c, value.accountId);
    const stub = stubOf(c, name);
    return json(c, await stub.forkSession(c.req.param("id"), value, idempotency), 201);
  });

  app.get("/v1/sessions/:id/network", async (c) =>
    json(c, await account(c).networkUse(c.req.param("id"))),
  );

  app.post("/v1/sessions/:id/turns", async (c) => {
    const { value, idempotency } = await readBody(c, createTurnRequest);
    assertFitsPriority(value);
    const name = nameOf(c, value.accountId);
    assertModel(c.env);
    const stub = stubOf(c, name);
    const call = { idempotency, traceparent: traceOf(c), maySeeSessions: maySeeSessions(c) };
    const accepted = await stub.createTurn(c.req.param("id"), value, call);
    return answerTurn(c, stub, accepted, () => json(c, accepted.turn, 202));
  });

  app.get("/v1/sessions/:id/turns", async (c) => {
    const given = c.req.query("cursor");
    const cursor = given === undefined ? undefined : wholeNumber("cursor", given, 0);
    return json(c, await account(c).listTurns(c.req.param("id"), cursor, pageSize(c)));
  });

  app.get("/v1/sessions/:id/turns/:turn", async (c) =>
    json(c, await account(c).getTurn(c.req.param("id"), c.req.param("turn"))),
  );

  app.get("/v1/sessions/:id/turns/:turn/trace", async (c) =>
    json(c, await account(c).getTrace(c.req.param("id"), c.req.param("turn"))),
  );

  app.get("/v1/sessions/:id/events", async (c) => {
    // On reconnect, a browser's EventSource repeats its original URL; the header has the newer position.
    const given = c.req.header("last-event-id") ?? c.req.query("after");
    const after = wholeNumber("after", given, 0);
    const id = c.req.param("id");
    if (!wantsStream(c)) return json(c, await account(c).listEvents(id, after));
    const events = await account(c).events(id, after, {
      turn: c.req.query("turn"),
      ...readerOf(c),
    });
    return streamAnswer(events, c.get("requestId"));
  });

  app.post("/v1/sessions/:id/control", async (c) => {
    const { value } = await readBody(c, controlRequest);
    const name = nameOf(c, value.accountId);
    const { method, args = [] } = value;
    const result = await stubOf(c, name).control(c.req.param("id"), method, args);
    return json(c, { result });
  });

  app.post("/v1/sessions/:id/interrupt", async (c) => {
    const { value } = await readBody(c, interruptRequest);
    const name = nameOf(c, value.accountId);
    const turns = await stubOf(c, name).interrupt(c.req.param("id"), value.turn_id);
    return json(c, { interrupted: turns });
  });
}
