import { ACCOUNT_NAME, EdgeError } from "@claude-edge/protocol";
import type { Hono } from "hono";

import { deploymentPort } from "../deployment/ports.js";
import { json, stubOf } from "./call.js";
import type { Account } from "./account.js";
import type { AppEnv, Call } from "./contract.js";
import { pageSize } from "./query-string.js";

/** Adds the routes of the deployment's operator. The account they are about is in the path, whatever a header names. */
export function addOperatorRoutes(app: Hono<AppEnv>): void {
  app.get("/v1/accounts", async (c) =>
    json(c, await deploymentPort(c.env).listAccounts(c.req.query("cursor"), pageSize(c))),
  );

  app.get("/v1/accounts/:account", async (c) => json(c, await named(c).describe()));

  app.delete("/v1/accounts/:account", async (c) => json(c, await named(c).erase(), 202));
}

/** @throws EdgeError `account_not_found` for what can be no account's name. */
function named(c: Call): Account {
  const name = c.req.param("account") ?? "";
  if (ACCOUNT_NAME.test(name)) return stubOf(c, name);
  throw new EdgeError("account_not_found", `There is no account ${JSON.stringify(name)}.`);
}
