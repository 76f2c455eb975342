import { answerRequest, requestStatus } from "@claude-edge/protocol";
import type { Hono } from "hono";

import { readBody } from "./body.js";
import { account, json, nameOf, stubOf } from "./call.js";
import type { AppEnv, Call } from "./contract.js";
import { oneOf } from "./query-string.js";

/** The session to restrict requests to: that of the path or of the token. Undefined for all sessions. */
const sessionFilter = (c: Call) => {
  const { id } = c.req.param() as { id?: string };
  return id ?? c.get("caller").token?.session;
};

/** Adds the routes of requests, which are found by id alone or under their session. */
export function addRequestRoutes(app: Hono<AppEnv>): void {
  for (const [list, one] of [
    ["/v1/requests", "/v1/requests/:request"],
    ["/v1/sessions/:id/requests", "/v1/sessions/:id/requests/:request"],
  ] as const) {
    app.get(list, async (c) => {
      const status = oneOf(c, "status", requestStatus.options);
      const query = { sessionId: sessionFilter(c), status, after: c.req.query("after") };
      return json(c, await account(c).listRequests(query));
    });
    app.get(one, async (c) => {
      const { request = "" } = c.req.param() as { request?: string };
      return json(c, await account(c).getRequest(request, sessionFilter(c)));
    });
    app.post(one, async (c) => {
      const { value, idempotency } = await readBody(c, answerRequest);
      const name = nameOf(c, value.accountId);
      const { request = "" } = c.req.param() as { request?: string };
      const call = { sessionId: sessionFilter(c), idempotency };
      const answer = { ...value, ofSession: c.get("caller").token?.session !== undefined };
      return json(c, await stubOf(c, name).answerRequest(request, answer, call));
    });
  }
}
