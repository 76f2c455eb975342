import {
  EdgeError,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  protocolProblem,
} from "@claude-edge/protocol";
import { Hono } from "hono";

import { ORIGIN_MARK, originMark } from "../egress/origin-mark.js";
import { assertLogSettings } from "../logger.js";
import { collectorOf } from "../otlp-settings.js";
import { retentionMs, webhooksOf } from "../settings.js";
import { VERSION } from "../version.js";
import { assertAllowed } from "./access.js";
import { addAccountRoutes } from "./account-routes.js";
import { errorAnswer } from "./answers.js";
import { authenticate, rootKeyOf } from "./auth.js";
import { json } from "./call.js";
import type { AppEnv, Call, Dialect } from "./contract.js";
import { cors, isCorsEnabled } from "./cors.js";
import { addFeedRoutes } from "./feed-routes.js";
import { addFileRoutes } from "./files.js";
import { assertFits } from "./limits.js";
import { addOpenApiRoute } from "./openapi-route.js";
import { drainBody } from "./read-text.js";
import { addOperatorRoutes } from "./operator-routes.js";
import { addRequestRoutes } from "./request-routes.js";
import { requestLog } from "./request-log.js";
import { addSecretRoutes } from "./secret-routes.js";
import { RouteTable } from "./routes.js";
import { addSessionRoutes } from "./session-routes.js";
import { isUpgrade } from "./web-socket.js";
import { addWebhookRoutes } from "./webhook-routes.js";

function checkProtocol(c: Call): void {
  const protocol = c.req.header(PROTOCOL_HEADER);
  if (protocol === undefined) return;
  const us = { name: "deployment", protocol: PROTOCOL_VERSION };
  const problem = protocolProblem(us, { name: "client", protocol });
  if (problem) {
    throw new EdgeError("protocol_mismatch", problem.message, { raise: problem.raise });
  }
}

/** The HTTP API, with the dialects that a deployment may enable. It authenticates, validates and routes, and is stateless. */
export function createApp(dialects: readonly Dialect[]): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const routes = new RouteTable(dialects);

  app.onError((thrown, c) => errorAnswer(thrown, c.get("requestId"), routes.errorFormOf(c)));
  app.notFound((c) => {
    const { method, path } = c.req;
    const methods = routes.methodsOf(c, app.routes);
    const error =
      methods.length > 0
        ? new EdgeError("method_not_allowed", `${path} takes ${methods.join(", ")}, not ${method}.`)
        : new EdgeError("not_found", `There is no route ${method} ${path}.`);
    c.get("trail").error = error;
    const answer = errorAnswer(error, c.get("requestId"), routes.errorFormOf(c));
    if (methods.length > 0) answer.headers.set("allow", methods.join(", "));
    return answer;
  });

  app.use(async (c, next) => {
    await next();
    await drainBody(c.req.raw);
  });

  app.use(requestLog(routes));

  app.use(async (c, next) => {
    assertFits(c.req.raw);
    const mark = c.req.header(ORIGIN_MARK);
    if (mark !== undefined && mark === originMark(c.env)) {
      throw new EdgeError("forbidden", "A container does not reach its own deployment.");
    }
    await next();
  });

  // Browsers ask nobody before they open a WebSocket, and its answer takes no headers afterwards.
  app.use((c, next) =>
    isCorsEnabled(c.env) && !isUpgrade(c.req.raw.headers) ? cors(c, next) : next(),
  );

  app.get("/health", (c) =>
    json(c, { status: "ok", version: VERSION, protocol: PROTOCOL_VERSION }),
  );
  addOpenApiRoute(app);

  app.use(async (c, next) => {
    const route = routes.of(c);
    if (route?.access === "open") {
      rootKeyOf(c.env);
      return next();
    }
    const caller = await authenticate(c.req.raw, c.env);
    c.set("caller", caller);
    // Sessions and accounts do without a setting that cannot be read.
    retentionMs(c.env);
    webhooksOf(c.env);
    collectorOf(c.env);
    assertLogSettings(c.env);
    checkProtocol(c);
    // Unknown routes are left to app.notFound.
    if (caller.token && routes.has(c))
      assertAllowed(caller.token, route?.access, {
        session: routes.namedIn(c, ":id"),
        request: routes.namedIn(c, ":request"),
      });
    return next();
  });

  addAccountRoutes(app);
  addFeedRoutes(app);
  addSessionRoutes(app);
  addFileRoutes(app);
  addOperatorRoutes(app);
  addRequestRoutes(app);
  addSecretRoutes(app);
  addWebhookRoutes(app);

  for (const dialect of dialects) {
    for (const { method, path, handle } of dialect.routes) {
      app.on(method, path, async (c, next) => {
        if (!routes.isOn(c.env, dialect)) return next();
        c.set("dialect", dialect);
        return handle(c, next);
      });
    }
  }
  return app;
}
