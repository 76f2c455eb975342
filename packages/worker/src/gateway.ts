import { WorkerEntrypoint } from "cloudflare:workers";

import { credentialOf } from "./credential.js";
import type { Env } from "./env.js";

/** What a container's gateway knows of it; set by the Worker, out of the container's reach. */
export interface GatewayProps {
  account: string;
}

/** The model API's routes; the agent needs no other. */
const ROUTES = new Set([
  "POST /v1/messages",
  "POST /v1/messages/count_tokens",
  "GET /v1/models",
  "HEAD /api/hello",
]);

const DEFAULT_BASE_URL = "https://api.anthropic.com";

/** Headers of the container's that would speak for the deployment. */
const STRIPPED = ["authorization", "x-api-key", "cookie", "host"];

/** The way from a container to the model: puts the credential in, and lets nothing else out. */
export class Gateway extends WorkerEntrypoint<Env, GatewayProps> {
  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (!ROUTES.has(`${request.method} ${url.pathname}`)) {
      return refuse(
        403,
        "permission_error",
        `The gateway does not serve ${request.method} ${url.pathname}.`,
      );
    }
    const credential = credentialOf(this.env);
    if (!credential) {
      return refuse(401, "authentication_error", "The deployment has no model credential.");
    }
    const headers = new Headers(request.headers);
    for (const name of STRIPPED) headers.delete(name);
    for (const name of request.headers.keys()) if (name.startsWith("cf-")) headers.delete(name);
    headers.set(...credential.header);

    const base = (this.env.ANTHROPIC_BASE_URL ?? DEFAULT_BASE_URL).replace(/\/+$/, "");
    const { method, body, signal } = request;
    try {
      return await fetch(`${base}${url.pathname}${url.search}`, { method, headers, body, signal });
    } catch (error) {
      console.error(`the model API at ${base} could not be reached`, error);
      return refuse(502, "api_error", "The model API could not be reached.");
    }
  }
}

/** An error in the form of the Messages API, so that the agent reads it as one. */
function refuse(status: number, type: string, message: string): Response {
  return Response.json({ type: "error", error: { type, message } }, { status });
}
