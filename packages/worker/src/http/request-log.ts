import { SESSION_ID, toWireError } from "@claude-edge/protocol";
import { REQUEST_ANSWERED } from "@claude-edge/protocol/internal";
import type { MiddlewareHandler } from "hono";

import { typed } from "../object-fault.js";
import { configureLog, logger } from "../logger.js";
import type { AppEnv, Call } from "./contract.js";
import type { RouteTable } from "./routes.js";

/** Gives each request its id, and writes a line of it when its answer begins. */
export const requestLog =
  (routes: RouteTable): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    configureLog(c.env);
    const start = Date.now();
    c.set("requestId", `req_${crypto.randomUUID().replaceAll("-", "")}`);
    c.set("trail", {});
    await next();
    write(c, routes, start);
  };

function write(c: Call, routes: RouteTable, start: number): void {
  const { method, path, url } = c.req;
  const { status } = c.res;
  const trail = c.get("trail");
  const error = c.error ? typed(c.error) : trail.error;
  const isFailed = error !== undefined || status >= 400;
  if (!isFailed && !logger.isSampled()) return;
  const { session_id, turn_id } = error === undefined ? {} : (toWireError(error).details ?? {});
  const inPath = routes.sessionIn(c);
  logger.log(status >= 500 ? "error" : isFailed ? "warn" : "info", REQUEST_ANSWERED, {
    method,
    route: routes.patternOf(c),
    status,
    duration_ms: Date.now() - start,
    request_id: c.get("requestId"),
    account: trail.account ?? c.get("caller")?.token?.account,
    session: trail.session ?? idOf(session_id) ?? idOf(inPath),
    turn: trail.turn ?? idOf(turn_id) ?? idOf(routes.namedIn(c, ":turn")),
    error,
    content: { path: `${path}${new URL(url).search}` },
  });
}

/** An id of a session or a turn: anything may stand in its place in a path. */
const idOf = (text: unknown): string | undefined =>
  typeof text === "string" && SESSION_ID.test(text) ? text : undefined;
