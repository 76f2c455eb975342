import { accountName, type WireError } from "@claude-edge/protocol";
import type { Next } from "hono";
import * as z from "zod/mini";

import { errorHeaders } from "../http/answers.js";
import { checkPrompt, readBody, readJson } from "../http/body.js";
import { assertModel, json, nameOf, stubOf, traceOf, type Call } from "../http/call.js";
import type { Dialect } from "./dialect.js";
import { namesOf } from "./names.js";
import { untilCompleted } from "./turn.js";

/**
 * One query in the account's container, one after the other.
 *
 * | field | what it is here |
 * |---|---|
 * | `query` | the prompt of a turn in a session of its own |
 * | `prompt` | the same; with `conversations` on too, a body that has it is that dialect's |
 * | `accountId` | the account; `default` for the root key when it is left out |
 * | answer `success` | `true`: the turn has completed |
 * | answer `response` | the text of the turn's last answer |
 * | error `error` | the error's message |
 */
const queryRequest = z.strictObject({
  query: z.optional(z.string()),
  prompt: z.optional(z.string()),
  accountId: z.optional(accountName),
});

const hasPrompt = (body: unknown): boolean =>
  typeof body === "object" && body !== null && "prompt" in body;

async function handle(c: Call, next: Next): Promise<Response | void> {
  if (namesOf(c.env).includes("conversations") && hasPrompt(await readJson(c))) return next();
  const { value, once } = await readBody(c, queryRequest);
  const prompt = value.query || value.prompt || "";
  checkPrompt(prompt);
  const name = nameOf(c, value.accountId);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const accepted = await stub.query(name, { prompt }, { once, traceparent: traceOf(c) });
  const { result } = await untilCompleted(stub, accepted);
  return json(c, { success: true, response: result.text });
}

function errorAnswer(error: WireError, status: number, requestId: string): Response {
  const { message, ...rest } = error;
  const body = { success: false, error: message, ...rest, request_id: requestId };
  return Response.json(body, { status, headers: errorHeaders(error, requestId) });
}

/** `POST /query`, as the Agent SDK in a Cloudflare container was first put behind a Worker. */
export const query: Dialect = {
  name: "query",
  routes: [{ method: "POST", path: "/query", access: { scopes: ["query"] }, handle }],
  error: errorAnswer,
};
