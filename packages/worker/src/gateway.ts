import { WorkerEntrypoint } from "cloudflare:workers";

import { SESSION_ID, toWireError } from "@claude-edge/protocol";

import type { Env } from "./env.js";
import { statusOf } from "./http/answers.js";
import { callModel, modelAccount } from "./model/model-call.js";
import { messagesError } from "./model/refusal.js";

/** What a container's gateway knows of it; set by the Worker, out of the container's reach. */
export interface GatewayProps {
  account: string;
}

/** Says which session a model call is for. A container could lie: then it fools itself, within its own account. */
const SESSION_HEADER = "x-claude-code-session-id";

/** The way from a container to the model: puts the credential in, counts, and lets nothing else out. */
export class Gateway extends WorkerEntrypoint<Env, GatewayProps> {
  override async fetch(request: Request): Promise<Response> {
    const session = request.headers.get(SESSION_HEADER) ?? "";
    try {
      return await callModel(this.env, request, new URL(request.url).pathname, {
        account: modelAccount(this.env, this.ctx.props.account),
        session: SESSION_ID.test(session) ? session : "",
        waitUntil: (work) => this.ctx.waitUntil(work),
      });
    } catch (error) {
      const wire = toWireError(error);
      if (wire.code === "internal") console.error("the gateway failed", error);
      return messagesError(wire, statusOf(wire));
    }
  }
}
