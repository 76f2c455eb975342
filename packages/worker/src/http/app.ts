import {
  answerRequest,
  controlRequest,
  createSessionRequest,
  createTokenRequest,
  createTurnRequest,
  EdgeError,
  forkSessionRequest,
  interruptRequest,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  queryRequest,
  requestStatus,
  TOKEN_ID,
  TRACE_HEADER,
  updateSessionRequest,
  type DeploymentStatus,
  usageGroup,
} from "@claude-edge/protocol";
import { Hono, type Context } from "hono";
import { matchedRoutes } from "hono/route";

import type { AcceptedTurn } from "../account/account-do.js";
import { credentialOf } from "../credential.js";
import type { Env } from "../env.js";
import { VERSION } from "../version.js";
import { allows, assertAllowed } from "./access.js";
import { accountStub, type AccountStub } from "./account-stub.js";
import { commonHeaders, errorAnswer, streamAnswer, turnAnswer } from "./answers.js";
import { accountOf, authenticate, signingKey, type Caller } from "./auth.js";
import { readBody } from "./body.js";
import { day, oneOf, pageSize, wholeNumber } from "./query-string.js";
import { modelStatus, tickStream } from "./status.js";
import { writeToken, type AccountToken } from "./token.js";

interface AppEnv {
  Bindings: Env;
  Variables: { requestId: string; caller: Caller };
}

type Call = Context<AppEnv>;

/** The name of the account that a request is for; `named`: by its body. */
const nameOf = (c: Call, named?: string) => accountOf(c.req.raw, c.get("caller"), named);

const stubOf = (c: Call, name: string) => accountStub(c.env, name, c.get("caller").token?.id);

/** The account that a request without a body is for. */
const account = (c: Call) => stubOf(c, nameOf(c));

const json = (c: Call, value: unknown, status = 200) =>
  Response.json(value, { status, headers: commonHeaders(c.get("requestId")) });

/** Who reads events; with `callbacks` it runs the session's callbacks: hooks, MCP servers, permissions. */
const readerOf = (c: Call) => {
  const { token } = c.get("caller");
  return {
    // Whoever cannot answer is no caller: a hook would wait for it as long as it reads.
    callbacks: c.req.query("callbacks") === "true" && (!token || allows(token, "requests:answer")),
    ...(token ? { token: { id: token.id, expiresAt: token.expiresAt } } : {}),
  };
};

/** The caller's span; one that cannot be read is left out, as W3C says. */
const traceOf = (c: Call) =>
  /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(c.req.header(TRACE_HEADER) ?? "")?.[0];

const wantsStream = (c: Call) => /\btext\/event-stream\b/i.test(c.req.header("accept") ?? "");

function checkProtocol(c: Call): void {
  const theirs = c.req.header(PROTOCOL_HEADER);
  if (theirs === undefined || theirs === String(PROTOCOL_VERSION)) return;
  const message = `The client speaks protocol ${theirs}, this deployment ${PROTOCOL_VERSION}.`;
  throw new EdgeError("protocol_mismatch", message);
}

/** What is no route is left to {@link app.notFound}. */
function checkAllowed(c: Call, token: AccountToken): void {
  const route = matchedRoutes(c).find(({ method }) => method !== "ALL");
  if (!route) return;
  // A Worker may have put all routes under a path of its own.
  const path = route.path.slice(route.path.indexOf("/v1/"));
  // Parameters are the handler's, which has not been reached; an id that is escaped in the path is no session's.
  const place = route.path.split("/").indexOf(":id");
  const session = place < 0 ? undefined : c.req.path.split("/")[place];
  assertAllowed(token, `${route.method} ${path}`, session);
}

function assertModel(env: Env): void {
  if (credentialOf(env)) return;
  throw new EdgeError("model_not_configured", "This deployment has no model credential.");
}

/** Answers with the turn's events when the caller reads streams, else with the turn as `whole` gives it. */
async function answerTurn(
  c: Call,
  stub: AccountStub,
  { turn, after }: AcceptedTurn,
  whole: () => Response | Promise<Response>,
): Promise<Response> {
  if (!wantsStream(c)) return whole();
  const { id, session_id } = turn;
  const events = await stub.events(session_id, after, { turn: id, ...readerOf(c) });
  return streamAnswer(events, c.get("requestId"));
}

/** The HTTP API. Authenticates, checks and routes; keeps nothing. */
export const app = new Hono<AppEnv>();

app.onError((error, c) => errorAnswer(error, c.get("requestId")));
app.notFound((c) => {
  const { method, path } = c.req;
  const methods = methodsOf(path);
  const error =
    methods.length > 0
      ? new EdgeError("method_not_allowed", `${path} takes ${methods.join(", ")}, not ${method}.`)
      : new EdgeError("not_found", `There is no route ${method} ${path}.`);
  const answer = errorAnswer(error, c.get("requestId"));
  if (methods.length > 0) answer.headers.set("allow", methods.join(", "));
  return answer;
});

/** The methods that some route takes for a path. */
function methodsOf(path: string): string[] {
  const matching = app.routes.filter(
    (route) =>
      route.method !== "ALL" && new RegExp(`^${route.path.replace(/:\w+/g, "[^/]+")}$`).test(path),
  );
  return [...new Set(matching.map(({ method }) => method))];
}

app.use(async (c, next) => {
  c.set("requestId", `req_${crypto.randomUUID().replaceAll("-", "")}`);
  await next();
});

app.get("/health", (c) => json(c, { status: "ok", version: VERSION, protocol: PROTOCOL_VERSION }));

app.use(async (c, next) => {
  const caller = await authenticate(c.req.raw, c.env);
  c.set("caller", caller);
  checkProtocol(c);
  if (caller.token) checkAllowed(c, caller.token);
  await next();
});

app.get("/v1/status", async (c) => {
  const name = nameOf(c);
  const start = c.req.query("start") === "true";
  const { token } = c.get("caller");
  if (start && token) assertAllowed(token, "GET /v1/status?start=true");
  const container = await stubOf(c, name).containerStatus(name, start);
  const status: DeploymentStatus = {
    version: VERSION,
    protocol: PROTOCOL_VERSION,
    model: modelStatus(c.env),
    container,
  };
  return json(c, status);
});

app.get("/v1/status/stream", (c) => streamAnswer(tickStream(), c.get("requestId")));

app.post("/v1/query", async (c) => {
  const { value, once } = await readBody(c.req.raw, queryRequest);
  const name = nameOf(c, value.accountId);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const accepted = await stub.query(name, value, { once, traceparent: traceOf(c) });
  return answerTurn(c, stub, accepted, async () => {
    const { session_id, id } = accepted.turn;
    return turnAnswer(await stub.waitForTurn(session_id, id), c.get("requestId"));
  });
});

app.post("/v1/sessions", async (c) => {
  const { value, once } = await readBody(c.req.raw, createSessionRequest);
  const name = nameOf(c, value.accountId);
  return json(c, await stubOf(c, name).createSession(name, value, once), 201);
});

app.get("/v1/sessions", async (c) =>
  json(c, await account(c).listSessions(c.req.query("cursor"), pageSize(c))),
);

app.get("/v1/sessions/:id", async (c) => json(c, await account(c).getSession(c.req.param("id"))));

app.patch("/v1/sessions/:id", async (c) => {
  const { value } = await readBody(c.req.raw, updateSessionRequest);
  const name = nameOf(c, value.accountId);
  return json(c, await stubOf(c, name).updateSession(c.req.param("id"), value));
});

app.delete("/v1/sessions/:id", async (c) => {
  await account(c).deleteSession(c.req.param("id"));
  return new Response(null, { status: 204, headers: commonHeaders(c.get("requestId")) });
});

app.post("/v1/sessions/:id/fork", async (c) => {
  const { value, once } = await readBody(c.req.raw, forkSessionRequest);
  const name = nameOf(c, value.accountId);
  const stub = stubOf(c, name);
  return json(c, await stub.forkSession(name, c.req.param("id"), value, once), 201);
});

app.post("/v1/sessions/:id/turns", async (c) => {
  const { value, once } = await readBody(c.req.raw, createTurnRequest);
  const name = nameOf(c, value.accountId);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const call = { once, traceparent: traceOf(c) };
  const accepted = await stub.createTurn(name, c.req.param("id"), value, call);
  return answerTurn(c, stub, accepted, () => json(c, accepted.turn, 202));
});

app.get("/v1/sessions/:id/turns/:turn", async (c) =>
  json(c, await account(c).getTurn(c.req.param("id"), c.req.param("turn"))),
);

app.get("/v1/sessions/:id/events", async (c) => {
  // A browser's EventSource repeats the URL it began with: what it has seen since is in the header.
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

/** The session whose requests are asked for: that of the path, or the one a token is for; all of them otherwise. */
const requestsOf = (c: Call) => {
  const { id } = c.req.param() as { id?: string };
  return id ?? c.get("caller").token?.session;
};

/** Requests are found by their id alone, or under their session. */
for (const [list, one] of [
  ["/v1/requests", "/v1/requests/:request"],
  ["/v1/sessions/:id/requests", "/v1/sessions/:id/requests/:request"],
] as const) {
  app.get(list, async (c) => {
    const status = oneOf(c, "status", requestStatus.options);
    const query = { sessionId: requestsOf(c), status, after: c.req.query("after") };
    return json(c, await account(c).listRequests(query));
  });
  app.get(one, async (c) => {
    const { request = "" } = c.req.param() as { request?: string };
    return json(c, await account(c).getRequest(request, requestsOf(c)));
  });
  app.post(one, async (c) => {
    const { value, once } = await readBody(c.req.raw, answerRequest);
    const name = nameOf(c, value.accountId);
    const { request = "" } = c.req.param() as { request?: string };
    const call = { sessionId: requestsOf(c), once };
    return json(c, await stubOf(c, name).answerRequest(request, value, call));
  });
}

app.post("/v1/sessions/:id/control", async (c) => {
  const { value } = await readBody(c.req.raw, controlRequest);
  const name = nameOf(c, value.accountId);
  const { method, args = [] } = value;
  const result = await stubOf(c, name).control(name, c.req.param("id"), method, args);
  return json(c, { result });
});

app.post("/v1/sessions/:id/interrupt", async (c) => {
  const { value } = await readBody(c.req.raw, interruptRequest);
  const name = nameOf(c, value.accountId);
  const turns = await stubOf(c, name).interrupt(c.req.param("id"), value.turn_id);
  return json(c, { interrupted: turns });
});

app.get("/v1/usage", async (c) => {
  const [from, to] = [day(c, "from"), day(c, "to")];
  if (from !== undefined && to !== undefined && from > to) {
    throw new EdgeError("invalid_request", "from: must not be behind to.");
  }
  const query = { from, to, group: oneOf(c, "group", usageGroup.options) };
  return json(c, await account(c).usage(nameOf(c), query));
});

app.post("/v1/tokens", async (c) => {
  const rootKey = signingKey(c.env);
  const { value, once } = await readBody(c.req.raw, createTokenRequest);
  const name = nameOf(c, value.account);
  const made = await stubOf(c, name).createToken(name, value, once);
  return json(c, { token: await writeToken(made, rootKey), ...made }, 201);
});

app.get("/v1/tokens", async (c) => {
  const cursor = wholeNumber("cursor", c.req.query("cursor"), 0) || undefined;
  return json(c, await account(c).listTokens(nameOf(c), cursor, pageSize(c)));
});

app.delete("/v1/tokens/:token", async (c) => {
  const id = c.req.param("token");
  if (!TOKEN_ID.test(id)) {
    throw new EdgeError("invalid_request", "A token is revoked by its id, not by itself.");
  }
  return json(c, await account(c).revokeToken(nameOf(c), id));
});
