import { EdgeError } from "@claude-edge/protocol";

import type { Env } from "../../src/env.js";
import { DIALECTS } from "../../src/dialects/index.js";
import { createApp } from "../../src/http/app.js";
import { likeWorkerd } from "./workerd.js";

likeWorkerd();

const app = createApp(DIALECTS);

export const ROOT_KEY = "a-root-key-of-more-than-thirty-two-characters";

/** What every object answers here: a request that comes to this has passed everything before the objects. */
export const REACHED = { status: 409, code: "session_exists" };

const reached = () => Promise.reject(new EdgeError("session_exists", "The objects are reached."));
const OBJECT: unknown = new Proxy({}, { get: () => reached });
const OBJECTS = { getByName: () => OBJECT };

/** How a request was answered. */
export interface Answer {
  status: number;
  headers: Headers;
  code?: string;
  message?: string;
}

/** The Worker's app in this process, with no objects to ask; the root key is given unless headers say otherwise. */
export async function ask(
  path: string,
  { json, ...init }: RequestInit & { json?: unknown } = {},
  env: Partial<Env> = {},
): Promise<Answer> {
  const headers = new Headers(init.headers as Record<string, string>);
  if (!headers.has("authorization")) headers.set("authorization", `Bearer ${ROOT_KEY}`);
  const body = json === undefined ? init.body : JSON.stringify(json);
  if (json !== undefined) headers.set("content-type", "application/json");
  const method = init.method ?? (body === undefined ? "GET" : "POST");
  const objects = { ACCOUNT: OBJECTS, SESSION: OBJECTS, CONTAINER: OBJECTS, DEPLOYMENT: OBJECTS };
  const bindings = { CLAUDE_EDGE_ROOT_KEY: ROOT_KEY, ANTHROPIC_API_KEY: "x", ...objects, ...env };
  const answer = await app.request(
    path,
    { ...init, method, headers, body } as never,
    bindings as never,
  );
  const text = await answer.text();
  const { error } = (text ? JSON.parse(text) : {}) as { error?: { code: string; message: string } };
  return { status: answer.status, headers: answer.headers, ...error };
}
