import { EdgeError } from "@claude-edge/protocol";

import { credentialOf } from "../credential.js";
import { commonHeaders } from "../http/answers.js";
import { nameOf, stubOf, type Call } from "../http/call.js";
import { callModel, modelAccount } from "../model/model-call.js";
import { messagesError } from "../model/refusal.js";
import type { Dialect } from "./dialect.js";
import { askAgent } from "./messages-agent.js";

/**
 * The Messages API, passed through to the model: nothing of a request or an answer is changed but credentials, and no
 * container is started. What a client sends as its API key is a key or token of this deployment. An OAuth token of the
 * deployment's is Claude Code's alone: then that asks, and what it cannot ask is refused.
 */
export const messages: Dialect = {
  name: "messages",
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

const isClaudeCodes = (c: Call) => credentialOf(c.env)?.variable === "CLAUDE_CODE_OAUTH_TOKEN";

function createMessage(c: Call): Promise<Response> {
  return isClaudeCodes(c) ? askAgent(c) : passThrough(c);
}

async function passThrough(c: Call): Promise<Response> {
  const name = nameOf(c);
  const stub = stubOf(c, name);
  // What was used counts, even if the token is revoked meanwhile.
  const { endModelCall, failModelCall } = modelAccount(c.env, name);
  // A Worker may have put all routes under a path of its own.
  const path = c.req.path.slice(c.req.path.lastIndexOf("/v1/"));
  if (isClaudeCodes(c)) {
    throw new EdgeError("needs_api_key", `${path} is nothing that Claude Code asks.`);
  }
  if (path !== "/v1/messages") await stub.admit();
  const answer = await callModel(c.env, c.req.raw, path, {
    account: { beginModelCall: (call) => stub.beginModelCall(call), endModelCall, failModelCall },
    session: undefined,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  });
  // To its caller that would say that their own key is wrong.
  if (answer.status === 401) {
    throw new EdgeError("model_auth_failed", "The model API took the deployment for a stranger.");
  }
  for (const [header, value] of Object.entries(commonHeaders(c.get("requestId")))) {
    answer.headers.set(header, value);
  }
  return answer;
}
