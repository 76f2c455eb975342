import { EdgeError, toWireError } from "@claude-edge/protocol";

import type { ModelCall } from "../account/account-do.js";
import { credentialOf } from "../credential.js";
import type { Env } from "../env.js";
import { messageMeter, meteredBody, streamMeter, type Metered } from "./call-meter.js";
import { costOf, tokens } from "./prices.js";

/** The model API's routes; no agent and no client needs another. */
const ROUTES =
  /^(POST \/v1\/messages|POST \/v1\/messages\/count_tokens|GET \/v1\/models(\/[\w.:@-]+)?|HEAD \/api\/hello)$/;

/** The one of them that costs. */
const METERED = "POST /v1/messages";

const DEFAULT_BASE_URL = "https://api.anthropic.com";

/** Headers that would speak for the deployment, or of whoever asked it. */
const STRIPPED =
  /^(authorization|proxy-authorization|x-api-key|cookie|host|connection|forwarded|via|true-client-ip|cf-.*|x-forwarded-.*|x-real-ip|origin|referer|x-account-id|x-claude-edge-.*|idempotency-key)$/;

/** Headers of an answer that are about its way here, whose pages may read it, or whose credential it was asked with. */
const ANSWER_STRIPPED =
  /^(set-cookie|content-length|content-encoding|transfer-encoding|access-control-.*|anthropic-organization-id|x-litellm-.*)$/;

/** Who calls the model: a container's agent, or a client of the Messages API. */
export interface ModelCaller {
  /** The account, as far as a model call is its matter. */
  account: {
    beginModelCall(call: { session: string | undefined }): Promise<ModelCall>;
    endModelCall(call: ModelCall, model: string, used: ModelUsage): Promise<void>;
    failModelCall(call: ModelCall): Promise<void>;
  };
  /** The session that a container says it is for. */
  session: string | undefined;
  /** Sees to what goes on when the answer is over. */
  waitUntil(work: Promise<unknown>): void;
}

/** An account for model calls: each has a stub of its own, for one stays broken when its object was reset. */
export function modelAccount(env: Env, name: string): ModelCaller["account"] {
  const account = () => env.ACCOUNT.getByName(name) as unknown as ModelCaller["account"];
  return {
    beginModelCall: (call) => account().beginModelCall(call),
    endModelCall: (...told) => account().endModelCall(...told),
    failModelCall: (call) => account().failModelCall(call),
  };
}

/** Tokens and picodollars of one model call. */
export interface ModelUsage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  cost: number;
}

/**
 * Passes a request on to the model API: with the deployment's credential, within the account's budget, and metered.
 * Everything else is as it came, both ways.
 *
 * @param path The model API's.
 * @throws EdgeError `not_found` for another route, `model_not_configured`, `model_unreachable`, and what the account
 * says: `budget_spent`.
 */
export async function callModel(
  env: Env,
  request: Request,
  path: string,
  { account, session, waitUntil }: ModelCaller,
): Promise<Response> {
  const route = `${request.method} ${path}`;
  if (!ROUTES.test(route)) {
    throw new EdgeError("not_found", `The gateway does not serve ${route}.`);
  }
  const credential = credentialOf(env);
  if (!credential) {
    throw new EdgeError("model_not_configured", "The deployment has no model credential.");
  }
  const call = route === METERED ? await account.beginModelCall({ session }) : undefined;
  const headers = new Headers(request.headers);
  for (const name of request.headers.keys()) if (STRIPPED.test(name)) headers.delete(name);
  headers.set(...credential.header);
  // Compressed, events would be held back on the way, and could not be read here.
  headers.set("accept-encoding", "identity");

  const base = (env.ANTHROPIC_BASE_URL ?? DEFAULT_BASE_URL).replace(/\/+$/, "");
  const { method, body, signal } = request;
  const { search } = new URL(request.url);
  const counted = Promise.withResolvers<void>();
  // From the beginning: whoever leaves early would take this with them, and the count of what was used.
  waitUntil(counted.promise);
  let answer: Response;
  try {
    // A call that costs is not called off with whoever leaves: what it has used so far has yet to be said.
    const leaving = call ? {} : { signal };
    // Wherever a redirection leads to, the credential is not for that.
    const init = { method, headers, body, redirect: "manual", ...leaving } as const;
    answer = await fetch(`${base}${path}${search}`, init);
    if (answer.status >= 300 && answer.status < 400) {
      await answer.body?.cancel();
      throw new Error(`it answers ${answer.status}, a redirection`);
    }
  } catch (error) {
    counted.resolve();
    console.error(`the model API at ${base} could not be reached`, error);
    throw new EdgeError("model_unreachable", "The model API could not be reached.");
  }
  const { status, statusText } = answer;
  const answerHeaders = new Headers(answer.headers);
  for (const name of answer.headers.keys()) {
    if (ANSWER_STRIPPED.test(name)) answerHeaders.delete(name);
  }
  const init = { status, statusText, headers: answerHeaders };
  if (call?.session && !answer.ok) waitUntil(account.failModelCall(call));
  if (!call || !answer.ok || !answer.body) {
    counted.resolve();
    return new Response(answer.body, init);
  }

  const type = answer.headers.get("content-type") ?? "";
  const isStream = type.toLowerCase().startsWith("text/event-stream");
  const onEnd = (seen: Metered | undefined) => {
    const done = seen
      ? report(() => account.endModelCall(call, seen.model, usageOf(seen)))
      : undefined;
    counted.resolve(done);
  };
  const meter = isStream ? streamMeter() : messageMeter();
  return new Response(meteredBody(answer.body, meter, signal, onEnd), init);
}

function usageOf({ model, usage }: Metered): ModelUsage {
  return {
    input_tokens: tokens(usage.input_tokens),
    output_tokens: tokens(usage.output_tokens),
    cache_read_input_tokens: tokens(usage.cache_read_input_tokens),
    cache_creation_input_tokens: tokens(usage.cache_creation_input_tokens),
    cost: costOf(model, usage),
  };
}

/** An account that restarts is told again: what a call cost is known only here. */
async function report(tell: () => Promise<void>): Promise<void> {
  for (const pause of [0, 100, 1_000, 5_000]) {
    await scheduler.wait(pause);
    try {
      return await tell();
    } catch (error) {
      console.error("a model call could not be counted", toWireError(error).message, error);
    }
  }
}
