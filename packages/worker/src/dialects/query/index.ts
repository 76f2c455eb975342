import { accountName, type WireError } from "@claude-edge/protocol";
import type { Next } from "hono";
import * as z from "zod/mini";

import { errorHeaders } from "../../errors.js";
import { checkPrompt, readBody, readJson } from "../../http/body.js";
import { assertModel, json, nameOf, stubOf, traceOf } from "../../http/call.js";
import type { Call, Dialect } from "../../http/contract.js";
import { dialectNames } from "../../settings.js";
import { waitUntilCompleted } from "../turn.js";

/**
 * Single queries, in sequence.
 *
 * | field | meaning |
 * |---|---|
 * | `query` | the prompt of a turn in a new session |
 * | `prompt` | the same; if `conversations` is enabled too, that dialect handles bodies with it |
 * | `accountId` | the account; the root key's default is `default` |
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
  if (dialectNames(c.env).includes("conversations") && hasPrompt(await readJson(c))) return next();
  const { value, idempotency } = await readBody(c, queryRequest);
  const prompt = value.query || value.prompt || "";
  checkPrompt(prompt);
  const name = nameOf(c, value.accountId);
  assertModel(c.env);
  const stub = stubOf(c, name);
  const accepted = await stub.query({ prompt }, { idempotency, traceparent: traceOf(c) });
  const { result } = await waitUntilCompleted(stub, accepted);
  return json(c, { success: true, response: result.text });
}

function errorAnswer(error: WireError, status: number, requestId: string): Response {
  const { message, ...rest } = error;
  const body = { success: false, error: message, ...rest, request_id: requestId };
  return Response.json(body, { status, headers: errorHeaders(error, requestId) });
}

/** `POST /query`, the API of the first examples of the Agent SDK in a Cloudflare container. */
export const query: Dialect = {
  name: "query",
  routes: [{ method: "POST", path: "/query", access: { scopes: ["query"] }, handle }],
  error: errorAnswer,
};
