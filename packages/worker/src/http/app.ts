import {
  answerRequest,
  controlRequest,
  createSessionRequest,
  createTurnRequest,
  EdgeError,
  forkSessionRequest,
  interruptRequest,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  queryRequest,
  requestStatus,
  TRACE_HEADER,
  updateSessionRequest,
  type DeploymentStatus,
} from "@claude-edge/protocol";
import { Hono, type Context } from "hono";

import type { AcceptedTurn, AccountDO } from "../account/account-do.js";
import { credentialOf } from "../credential.js";
import type { Env } from "../env.js";
import { VERSION } from "../version.js";
import { commonHeaders, errorAnswer, streamAnswer, turnAnswer } from "./answers.js";
import { accountOf, authenticate } from "./auth.js";
import { readBody } from "./body.js";
import { modelStatus, tickStream } from "./status.js";

interface AppEnv {
  Bindings: Env;
  Variables: { requestId: string };
}

/** The AccountDO as it is called: the runtime's own stub type cannot express `unknown` in results. */
type AccountStub = {
  [
    Method in
      | "createSession"
      | "getSession"
      | "listSessions"
      | "updateSession"
      | "deleteSession"
      | "forkSession"
      | "query"
      | "createTurn"
      | "getTurn"
      | "waitForTurn"
      | "events"
      | "listEvents"
      | "interrupt"
      | "listRequests"
      | "getRequest"
      | "answerRequest"
      | "control"
      | "containerStatus"
  ]: (...args: Parameters<AccountDO[Method]>) => Promise<Awaited<ReturnType<AccountDO[Method]>>>;
};

const MAX_PAGE = 200;

type Call = Context<AppEnv>;

const accountStub = (env: Env, name: string) =>
  env.ACCOUNT.getByName(name) as unknown as AccountStub;

/** The account that a request without a body is for. */
const account = (c: Call) => accountStub(c.env, accountOf(c.req.raw));

const json = (c: Call, value: unknown, status = 200) =>
  Response.json(value, { status, headers: commonHeaders(c.get("requestId")) });

/** The caller runs the session's callbacks: hooks, MCP servers, permissions. */
const runsCallbacks = (c: Call) => c.req.query("callbacks") === "true";

/** The caller's span; one that cannot be read is left out, as W3C says. */
const traceOf = (c: Call) =>
  /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(c.req.header(TRACE_HEADER) ?? "")?.[0];

const wantsStream = (c: Call) => /\btext\/event-stream\b/i.test(c.req.header("accept") ?? "");

function wholeNumber(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined || value === "") return otherwise;
  if (!/^\d{1,15}$/.test(value)) {
    throw new EdgeError("invalid_request", `${name}: must be a whole number.`);
  }
  return Number(value);
}

function checkProtocol(c: Call): void {
  const theirs = c.req.header(PROTOCOL_HEADER);
  if (theirs === undefined || theirs === String(PROTOCOL_VERSION)) return;
  const message = `The client speaks protocol ${theirs}, this deployment ${PROTOCOL_VERSION}.`;
  throw new EdgeError("protocol_mismatch", message);
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
  const events = await stub.events(session_id, after, { turn: id, callbacks: runsCallbacks(c) });
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
  await authenticate(c.req.raw, c.env);
  checkProtocol(c);
  await next();
});

app.get("/v1/status", async (c) => {
  const name = accountOf(c.req.raw);
  const start = c.req.query("start") === "true";
  const container = await accountStub(c.env, name).containerStatus(name, start);
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
  const name = accountOf(c.req.raw, value.accountId);
  assertModel(c.env);
  const stub = accountStub(c.env, name);
  const accepted = await stub.query(name, value, { once, traceparent: traceOf(c) });
  return answerTurn(c, stub, accepted, async () => {
    const { session_id, id } = accepted.turn;
    return turnAnswer(await stub.waitForTurn(session_id, id), c.get("requestId"));
  });
});

app.post("/v1/sessions", async (c) => {
  const { value, once } = await readBody(c.req.raw, createSessionRequest);
  const name = accountOf(c.req.raw, value.accountId);
  return json(c, await accountStub(c.env, name).createSession(name, value, once), 201);
});

app.get("/v1/sessions", async (c) => {
  const limit = wholeNumber("limit", c.req.query("limit"), 50);
  if (limit < 1 || limit > MAX_PAGE) {
    throw new EdgeError("invalid_request", `limit: must be 1 to ${MAX_PAGE}.`);
  }
  return json(c, await account(c).listSessions(c.req.query("cursor"), limit));
});

app.get("/v1/sessions/:id", async (c) => json(c, await account(c).getSession(c.req.param("id"))));

app.patch("/v1/sessions/:id", async (c) => {
  const { value } = await readBody(c.req.raw, updateSessionRequest);
  const name = accountOf(c.req.raw, value.accountId);
  return json(c, await accountStub(c.env, name).updateSession(c.req.param("id"), value));
});

app.delete("/v1/sessions/:id", async (c) => {
  await account(c).deleteSession(c.req.param("id"));
  return new Response(null, { status: 204, headers: commonHeaders(c.get("requestId")) });
});

app.post("/v1/sessions/:id/fork", async (c) => {
  const { value, once } = await readBody(c.req.raw, forkSessionRequest);
  const name = accountOf(c.req.raw, value.accountId);
  const stub = accountStub(c.env, name);
  return json(c, await stub.forkSession(name, c.req.param("id"), value, once), 201);
});

app.post("/v1/sessions/:id/turns", async (c) => {
  const { value, once } = await readBody(c.req.raw, createTurnRequest);
  const name = accountOf(c.req.raw, value.accountId);
  assertModel(c.env);
  const stub = accountStub(c.env, name);
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
    callbacks: runsCallbacks(c),
  });
  return streamAnswer(events, c.get("requestId"));
});

const statusOf = (c: Call) => {
  const given = c.req.query("status");
  if (given === undefined) return undefined;
  const parsed = requestStatus.safeParse(given);
  if (parsed.success) return parsed.data;
  const values = requestStatus.options.join(", ");
  throw new EdgeError("invalid_request", `status: must be one of ${values}.`);
};

/** Requests are found by their id alone, or under their session. */
for (const [list, one] of [
  ["/v1/requests", "/v1/requests/:request"],
  ["/v1/sessions/:id/requests", "/v1/sessions/:id/requests/:request"],
] as const) {
  app.get(list, async (c) => {
    const { id: sessionId } = c.req.param() as { id?: string };
    const query = { sessionId, status: statusOf(c), after: c.req.query("after") };
    return json(c, await account(c).listRequests(query));
  });
  app.get(one, async (c) => {
    const { request = "", id } = c.req.param() as { request?: string; id?: string };
    return json(c, await account(c).getRequest(request, id));
  });
  app.post(one, async (c) => {
    const { value, once } = await readBody(c.req.raw, answerRequest);
    const name = accountOf(c.req.raw, value.accountId);
    const { request = "", id: sessionId } = c.req.param() as { request?: string; id?: string };
    const call = { sessionId, once };
    return json(c, await accountStub(c.env, name).answerRequest(request, value, call));
  });
}

app.post("/v1/sessions/:id/control", async (c) => {
  const { value } = await readBody(c.req.raw, controlRequest);
  const name = accountOf(c.req.raw, value.accountId);
  const { method, args = [] } = value;
  const result = await accountStub(c.env, name).control(name, c.req.param("id"), method, args);
  return json(c, { result });
});

app.post("/v1/sessions/:id/interrupt", async (c) => {
  const { value } = await readBody(c.req.raw, interruptRequest);
  const name = accountOf(c.req.raw, value.accountId);
  const turns = await accountStub(c.env, name).interrupt(c.req.param("id"), value.turn_id);
  return json(c, { interrupted: turns });
});
