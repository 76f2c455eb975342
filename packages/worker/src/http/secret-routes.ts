import {
  ACCOUNT_HEADER,
  EdgeError,
  putSecretRequest,
  SESSION_ID,
  type SecretInput,
} from "@claude-edge/protocol";
import type { Hono } from "hono";

import { deploymentPort } from "../deployment/ports.js";
import { commonHeaders } from "../errors.js";
import { checkSecret } from "../secrets/check-secret.js";
import { sealAll } from "../secrets/secret-store.js";
import type { NewSecret } from "../secrets/secret-table.js";
import { readBody } from "./body.js";
import { json, nameOf, stubOf } from "./call.js";
import type { AppEnv, Call } from "./contract.js";

/** Adds the routes of secrets. The root key that names no account speaks of the deployment's. */
export function addSecretRoutes(app: Hono<AppEnv>): void {
  app.get("/v1/secrets", async (c) => {
    const session = c.req.query("session_id");
    if (session !== undefined && !SESSION_ID.test(session)) {
      throw new EdgeError("invalid_request", "session_id: must be a lower-case UUID.");
    }
    if (session === undefined && isOfDeployment(c)) {
      return json(c, await deploymentPort(c.env).listSecrets());
    }
    return json(c, await stubOf(c, nameOf(c)).call("secret", "list", [session]));
  });

  app.put("/v1/secrets/:name", async (c) => {
    const { value: body } = await readBody(c, putSecretRequest);
    const { accountId, ...input } = body;
    const name = c.req.param("name");
    if (isOfDeployment(c, accountId)) {
      return json(c, await deploymentPort(c.env).putSecret(await sealed(c, "", name, input)));
    }
    const account = nameOf(c, accountId);
    const secret = await sealed(c, account, name, input);
    return json(c, await stubOf(c, account).call("secret", "set", [secret]));
  });

  app.delete("/v1/secrets/:name", async (c) => {
    const name = c.req.param("name");
    if (isOfDeployment(c)) await deploymentPort(c.env).deleteSecret(name);
    else await stubOf(c, nameOf(c)).call("secret", "delete", [name]);
    return new Response(null, { status: 204, headers: commonHeaders(c.get("requestId")) });
  });
}

/** Whether a request is about the deployment's secrets; `named`: the account in its body. */
const isOfDeployment = (c: Call, named?: string): boolean =>
  !c.get("caller").token && c.req.header(ACCOUNT_HEADER) === undefined && named === undefined;

/** Seals a secret before any object sees it. `account`: empty for the deployment. @throws EdgeError as `checkSecret`. */
async function sealed(
  c: Call,
  account: string,
  name: string,
  input: SecretInput,
): Promise<NewSecret> {
  const scope = account === "" ? "deployment" : "account";
  const checked = checkSecret(name, input);
  const [secret] = await sealAll(c.env, { scope, account, session: "" }, [checked]);
  return secret!;
}
