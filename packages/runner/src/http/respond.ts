import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import { errorPolicy, type EdgeError } from "@claude-edge/protocol";

import { RETRY_AFTER_S } from "../process/pool.js";

export async function readJson<Body>(request: IncomingMessage): Promise<Body> {
  return JSON.parse(await text(request)) as Body;
}

export function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Answers with an error of the protocol, under its status. */
export function refuse(response: ServerResponse, { code, message, details }: EdgeError): void {
  const { status } = errorPolicy(code);
  if (status === 503) response.setHeader("retry-after", String(RETRY_AFTER_S));
  respond(response, status, { error: code, message, ...(details ? { details } : {}) });
}
