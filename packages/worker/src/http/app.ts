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
  updateLimitsRequest,
  updateSessionRequest,
  type DeploymentStatus,
  usageGroup,
} from "@claude-edge/protocol";
import { Hono } from "hono";

import type { AcceptedTurn } from "../account/account-do.js";
import { DIALECTS, isOn } from "../dialects/index.js";
import { VERSION } from "../version.js";
import { assertAllowed, STARTS } from "./access.js";
import type { AccountStub } from "./account-stub.js";
import { commonHeaders, errorAnswer, streamAnswer, turnAnswer } from "./answers.js";
import { authenticate, rootKeyOf, signingKey } from "./auth.js";
import { readBody } from "./body.js";
import { cors, mayAskFromBrowser } from "./cors.js";
import {
  account,
  assertModel,
  json,
  nameOf,
  readerOf,
  stubOf,
  traceOf,
  wantsStream,
  type AppEnv,
  type Call,
} from "./call.js";
import { addFileRoutes } from "./files.js";
import { assertFits } from "./limits.js";
import { day, oneOf, pageSize, wholeNumber } from "./query-string.js";
import { dropBody } from "./read-text.js";
import { isRoute, methodsOf, routeOf, sessionIn, wordsOf } from "./routes.js";
import { filesStatus, modelStatus, tickStream } from "./status.js";
import { writeToken } from "./token.js";

function checkProtocol(c: Call): void {
  const theirs = c.req.header(PROTOCOL_HEADER);
  if (theirs === undefined || theirs === String(PROTOCOL_VERSION)) return;
  const message = `The client speaks protocol ${theirs}, this deployment ${PROTOCOL_VERSION}.`;
  throw new EdgeError("protocol_mismatch", message);
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

app.onError((thrown, c) => errorAnswer(thrown, c.get("requestId"), wordsOf(c)));
app.notFound((c) => {
  const { method, path } = c.req;
  const methods = methodsOf(c, app.routes);
  const error =
    methods.length > 0
      ? new EdgeError("method_not_allowed", `${path} takes ${methods.join(", ")}, not ${method}.`)
      : new EdgeError("not_found", `There is no route ${method} ${path}.`);
  const answer = errorAnswer(error, c.get("requestId"));
  if (methods.length > 0) answer.headers.set("allow", methods.join(", "));
  return answer;
});

app.use(async (c, next) => {
  await next();
  await dropBody(c.req.raw);
});

app.use(async (c, next) => {
  c.set("requestId", `req_${crypto.randomUUID().replaceAll("-", "")}`);
  assertFits(c.req.raw);
  await next();
});

app.use((c, next) => (mayAskFromBrowser(c.env) ? cors(c, next) : next()));

app.get("/health", (c) => json(c, { status: "ok", version: VERSION, protocol: PROTOCOL_VERSION }));

app.use(async (c, next) => {
  const route = routeOf(c);
  if (route?.access === "open") {
    rootKeyOf(c.env);
    return next();
  }
  const caller = await authenticate(c.req.raw, c.env);
  c.set("caller", caller);
  checkProtocol(c);
  // What is no route is left to app.notFound.
  if (caller.token && isRoute(c)) assertAllowed(caller.token, route?.access, sessionIn(c));
  return next();
});

app.get("/v1/status", async (c) => {
  const name = nameOf(c);
  const start = c.req.query("start") === "true";
  const { token } = c.get("caller");
  if (start && token) assertAllowed(token, STARTS);
  const container = await stubOf(c, name).containerStatus(name, start);
  const status: DeploymentStatus = {
    version: VERSION,
    protocol: PROTOCOL_VERSION,
    model: modelStatus(c.env),
    container,
    files: filesStatus(c.env),
  };
  return json(c, status);
});

app.get("/v1/status/stream", async (c) => {
  await account(c).admit();
  return streamAnswer(tickStream(), c.get("requestId"));
});

app.post("/v1/query", async (c) => {
  const { value, once } = await readBody(c, queryRequest);
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
  const { value, once } = await readBody(c, createSessionRequest);
  const name = nameOf(c, value.accountId);
  return json(c, await stubOf(c, name).createSession(name, value, once), 201);
});

app.get("/v1/sessions", async (c) =>
  json(c, await account(c).listSessions(c.req.query("cursor"), pageSize(c))),
);

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

app.post("/v1/sessions/:id/fork", async (c) => {
  const { value, once } = await readBody(c, forkSessionRequest);
  const name = nameOf(c, value.accountId);
  const stub = stubOf(c, name);
  return json(c, await stub.forkSession(name, c.req.param("id"), value, once), 201);
});

app.post("/v1/sessions/:id/turns", async (c) => {
  const { value, once } = await readBody(c, createTurnRequest);
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

addFileRoutes(app);

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
    const { value, once } = await readBody(c, answerRequest);
    const name = nameOf(c, value.accountId);
    const { request = "" } = c.req.param() as { request?: string };
    const call = { sessionId: requestsOf(c), once };
    return json(c, await stubOf(c, name).answerRequest(request, value, call));
  });
}

app.post("/v1/sessions/:id/control", async (c) => {
  const { value } = await readBody(c, controlRequest);
  const name = nameOf(c, value.accountId);
  const { method, args = [] } = value;
  const result = await stubOf(c, name).control(name, c.req.param("id"), method, args);
  return json(c, { result });
});

app.post("/v1/sessions/:id/interrupt", async (c) => {
  const { value } = await readBody(c, interruptRequest);
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

app.get("/v1/limits", async (c) => json(c, await account(c).limits(nameOf(c))));

app.patch("/v1/limits", async (c) => {
  const { value } = await readBody(c, updateLimitsRequest);
  const name = nameOf(c, value.accountId);
  return json(c, await stubOf(c, name).updateLimits(name, value));
});

app.post("/v1/tokens", async (c) => {
  const rootKey = signingKey(c.env);
  const { value, once } = await readBody(c, createTokenRequest);
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

for (const dialect of DIALECTS) {
  for (const { method, path, handle } of dialect.routes) {
    app.on(method, path, async (c, next) => {
      if (!isOn(c.env, dialect)) return next();
      c.set("dialect", dialect);
      return handle(c, next);
    });
  }
}
