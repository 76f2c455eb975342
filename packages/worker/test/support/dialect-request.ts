import type { Env } from "../../src/env.js";
import { DIALECTS } from "../../src/dialects/index.js";
import { createApp } from "../../src/http/app.js";
import { likeWorkerd } from "./workerd.js";

likeWorkerd();

const app = createApp(DIALECTS);

const ROOT_KEY = "root-key-of-a-unit-test-which-is-long-enough";

/** What a deployment without a model credential answers to a request that it would take. */
export const TAKEN = { status: 503, code: "model_not_configured" };

/**
 * A request to a Worker that has no account and no model: it shows which dialect takes it, whether its body will do,
 * and how an error is said.
 */
export async function ask(
  dialects: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number } & Record<string, unknown>> {
  const env: Partial<Env> = { CLAUDE_EDGE_ROOT_KEY: ROOT_KEY, CLAUDE_EDGE_DIALECTS: dialects };
  const init: RequestInit = {
    method,
    headers: { authorization: `Bearer ${ROOT_KEY}`, "content-type": "application/json" },
  };
  if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await app.request(path, init as never, env as never);
  return { status: answer.status, ...((await answer.json()) as object) };
}
