import {
  createTokenRequest,
  EdgeError,
  MAX_AUDIT_PAGE,
  PROTOCOL_VERSION,
  setNetworkRequest,
  TOKEN_ID,
  updateLimitsRequest,
  usageGroup,
  type DeploymentStatus,
} from "@claude-edge/protocol";
import { RUNNER_PROTOCOL } from "@claude-edge/protocol/runner";
import type { Hono } from "hono";

import { VERSION } from "../version.js";
import { assertAllowed, STARTS } from "./access.js";
import { entriesAnswer, streamAnswer } from "./answers.js";
import { signingKey } from "./auth.js";
import { readBody } from "./body.js";
import { account, json, nameOf, stubOf } from "./call.js";
import type { AppEnv } from "./contract.js";
import { day, oneOf, pageSize, wholeNumber } from "./query-string.js";
import { filesStatus, modelStatus, tickStream } from "./status.js";
import { checkTokenRequest } from "./token-request.js";
import { writeToken } from "./token.js";

/** Adds the routes of an account's status, usage, limits, network and tokens. */
export function addAccountRoutes(app: Hono<AppEnv>): void {
  app.get("/v1/status", async (c) => {
    const name = nameOf(c);
    const start = c.req.query("start") === "true";
    const { token } = c.get("caller");
    if (start && token) assertAllowed(token, STARTS);
    const container = await stubOf(c, name).containerStatus(start);
    const status: DeploymentStatus = {
      version: VERSION,
      protocol: PROTOCOL_VERSION,
      runner_protocol: RUNNER_PROTOCOL,
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

  app.get("/v1/usage", async (c) => {
    const [from, to] = [day(c, "from"), day(c, "to")];
    if (from !== undefined && to !== undefined && from > to) {
      throw new EdgeError("invalid_request", "from: must not be behind to.");
    }
    const query = { from, to, group: oneOf(c, "group", usageGroup.options) };
    return json(c, await account(c).call("usage", query));
  });

  app.get("/v1/audit", async (c) => {
    const after = wholeNumber("after", c.req.query("after"), 0);
    const entries = await account(c).call("audit", after, pageSize(c, MAX_AUDIT_PAGE));
    return entriesAnswer(entries, c.get("requestId"));
  });

  app.get("/v1/limits", async (c) => json(c, await account(c).call("limits")));

  app.patch("/v1/limits", async (c) => {
    const { value } = await readBody(c, updateLimitsRequest);
    const { accountId, ...limits } = value;
    return json(c, await stubOf(c, nameOf(c, accountId)).call("updateLimits", limits));
  });

  app.get("/v1/network", async (c) => json(c, await account(c).call("network")));

  app.put("/v1/network", async (c) => {
    const { value } = await readBody(c, setNetworkRequest);
    const { accountId, ...network } = value;
    return json(c, await stubOf(c, nameOf(c, accountId)).call("setNetwork", network));
  });

  app.post("/v1/tokens", async (c) => {
    const rootKey = signingKey(c.env);
    const { value, idempotency } = await readBody(c, createTokenRequest);
    const name = nameOf(c, value.account);
    const asked = checkTokenRequest(value);
    const made = await stubOf(c, name).call("createToken", asked, idempotency);
    return json(c, { token: await writeToken(made, rootKey), ...made }, 201);
  });

  app.get("/v1/tokens", async (c) => {
    const cursor = wholeNumber("cursor", c.req.query("cursor"), 0) || undefined;
    return json(c, await account(c).call("listTokens", cursor, pageSize(c)));
  });

  app.delete("/v1/tokens/:token", async (c) => {
    const id = c.req.param("token");
    if (!TOKEN_ID.test(id)) {
      throw new EdgeError("invalid_request", "A token is revoked by its id, not by itself.");
    }
    return json(c, await account(c).call("revokeToken", id));
  });
}
