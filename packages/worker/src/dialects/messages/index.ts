import { EdgeError } from "@claude-edge/protocol";

import { credentialOf } from "../../egress/credential.js";
import { commonHeaders } from "../../errors.js";
import { account, nameOf } from "../../http/call.js";
import type { Call, Dialect } from "../../http/contract.js";
import { callModel } from "../../egress/model-call.js";
import { messagesError } from "../../egress/refusal.js";
import { ruleBook } from "../../egress/rule-book.js";
import { askAgent } from "./agent.js";

/**
 * The Messages API, passed through to the model: only credentials are changed, and no container is started. A client's
 * API key is a key or token of this deployment. If the deployment's credential is an OAuth token, only Claude Code may
 * use it: then Claude Code makes the call in a container, and requests that it cannot make are refused.
 */
export const messages: Dialect = {
  name: "messages",
  pathPrefixes: ["/v1/messages", "/v1/models"],
  routes: [
    { method: "POST", path: "/v1/messages", access: { scopes: ["query"] }, handle: createMessage },
    {
      method: "POST",
      path: "/v1/messages/count_tokens",
      access: { scopes: ["query"] },
      handle: passThrough,
    },
    { method: "GET", path: "/v1/models", access: { scopes: ["query"] }, handle: passThrough },
    {
      method: "GET",
      path: "/v1/models/:model",
      access: { scopes: ["query"] },
      handle: passThrough,
    },
  ],
  error: messagesError,
};

const usesOAuthToken = (c: Call) => credentialOf(c.env)?.variable === "CLAUDE_CODE_OAUTH_TOKEN";

function createMessage(c: Call): Promise<Response> {
  return usesOAuthToken(c) ? askAgent(c) : passThrough(c);
}

async function passThrough(c: Call): Promise<Response> {
  const stub = account(c);
  // A Worker may mount all routes under a prefix.
  const path = c.req.path.slice(c.req.path.lastIndexOf("/v1/"));
  if (usesOAuthToken(c)) {
    throw new EdgeError("needs_api_key", `${path} is nothing that Claude Code asks.`);
  }
  if (path !== "/v1/messages") await stub.admit();
  const answer = await callModel(c.env, c.req.raw, path, {
    account: nameOf(c),
    counter: stub.modelCalls,
    rules: (fresh) => ruleBook.of(c.env, nameOf(c), undefined, fresh),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  });
  // The model API's own error would blame the caller's key.
  if (answer.status === 401) {
    await answer.body?.cancel();
    const message = "It is not your key that is wrong, but the deployment's for the model.";
    throw new EdgeError("model_auth_failed", message, { model_status: 401 });
  }
  for (const [header, value] of Object.entries(commonHeaders(c.get("requestId")))) {
    answer.headers.set(header, value);
  }
  return answer;
}
