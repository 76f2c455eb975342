import { EdgeError } from "@claude-edge/protocol";
import type { LogSubject } from "@claude-edge/protocol/internal";

import { logger } from "../logger.js";
import { objectNamed } from "../objects.js";
import { sessionName } from "../settings.js";
import { credentialOf, type Credential } from "./credential.js";
import type { Env } from "../env.js";
import { messageMeter, meteredBody, streamMeter, type Metered } from "./call-meter.js";
import { checkedBody, type ModelBody } from "./model-body.js";
import type { NetworkRules } from "./network-policy.js";
import { costOf, tokens } from "./prices.js";

/** The routes of the model API that agents and clients need. */
const ROUTES =
  /^(POST \/v1\/messages|POST \/v1\/messages\/count_tokens|GET \/v1\/models(\/[\w.:@-]+)?|HEAD \/api\/hello)$/;

/** The only route that costs. */
const METERED = "POST /v1/messages";

const DEFAULT_BASE_URL = "https://api.anthropic.com";

/** Request headers that carry credentials, or identify the caller or the deployment. */
const STRIPPED =
  /^(authorization|proxy-authorization|x-api-key|cookie|host|connection|forwarded|via|true-client-ip|cf-.*|x-forwarded-.*|x-real-ip|origin|referer|x-account-id|x-claude-edge-.*|idempotency-key)$/;

/** Response headers about transport, CORS, or the credential's owner. */
const ANSWER_STRIPPED =
  /^(set-cookie|content-length|content-encoding|transfer-encoding|access-control-.*|anthropic-organization-id|x-litellm-.*)$/;

/** An admitted model call. */
export interface ModelCall {
  /** Increases with every call of a session, across restarts. */
  id: number;
  /** Empty, like `turn`, for a call that belongs to no session. */
  session: string;
  turn: string;
  /** The account's own: of a client of the Messages API, or one that named no session. No agent's result accounts for it. */
  direct: boolean;
}

/** When a call was sent, when its answer began and when it ended, milliseconds since 1970. */
export interface CallTiming {
  start: number;
  answered: number;
  end: number;
}

/** Counts model calls, for a session or directly for an account. */
export interface CallCounter {
  /** @throws EdgeError `budget_spent`, `model_error`. */
  beginModelCall(): Promise<ModelCall>;
  endModelCall(
    call: ModelCall,
    model: string,
    used: ModelUsage,
    timing?: CallTiming,
  ): Promise<void>;
  /** The model API refused a call, with this status. */
  failModelCall(call?: ModelCall, status?: number, timing?: CallTiming): Promise<void>;
}

/** The caller of the model: a container's agent, or a client of the Messages API. */
export interface ModelCaller {
  account: string;
  counter: CallCounter;
  /** The network rules that it is bound by. `fresh`: not from memory. */
  rules(fresh: boolean): Promise<NetworkRules>;
  /** Keeps the Worker alive for work after the answer. */
  waitUntil(work: Promise<unknown>): void;
}

/** The counter for a container's calls; `session`: as claimed by the container, empty for none. */
export const callCounter = (env: Env, account: string, session: string): CallCounter =>
  session === ""
    ? objectNamed<CallCounter>(env, "ACCOUNT", account)
    : objectNamed<CallCounter>(env, "SESSION", sessionName(account, session));

/** Usage of one model call. `cost` is in picodollars. */
export interface ModelUsage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  cost: number;
}

/** All tokens of a model call, of every kind. */
export const tokensOf = (used: ModelUsage) =>
  used.input_tokens +
  used.output_tokens +
  used.cache_read_input_tokens +
  used.cache_creation_input_tokens;

/**
 * Forwards a request to the model API with the deployment's credential, within the account's budget and network policy,
 * and metered. Everything else is unchanged in both directions.
 *
 * @param path The path at the model API.
 * @throws EdgeError `not_found` for another route, `model_not_configured`, `model_unreachable`, `budget_spent`; as
 * {@link checkedBody}.
 */
export async function callModel(
  env: Env,
  request: Request,
  path: string,
  caller: ModelCaller,
): Promise<Response> {
  const route = `${request.method} ${path}`;
  if (!ROUTES.test(route)) {
    throw new EdgeError("not_found", `The gateway does not serve ${route}.`);
  }
  const credential = credentialOf(env);
  if (!credential) {
    throw new EdgeError("model_not_configured", "The deployment has no model credential.");
  }
  const body = await checkedBody(request, caller.rules);
  try {
    const call = route === METERED ? await caller.counter.beginModelCall() : undefined;
    return await forward(env, request, { path, credential, body, call }, caller);
  } finally {
    body.release();
  }
}

interface Forwarded {
  path: string;
  credential: Credential;
  body: ModelBody;
  /** Undefined for one that does not cost. */
  call: ModelCall | undefined;
}

async function forward(
  env: Env,
  request: Request,
  { path, credential, body: { body, isRead }, call }: Forwarded,
  { account, counter, waitUntil }: ModelCaller,
): Promise<Response> {
  const headers = new Headers(request.headers);
  for (const name of request.headers.keys()) if (STRIPPED.test(name)) headers.delete(name);
  if (isRead) headers.delete("content-length");
  headers.set(...credential.header);
  // Compression would buffer events, and the meter could not read them.
  headers.set("accept-encoding", "identity");

  const base = (env.ANTHROPIC_BASE_URL ?? DEFAULT_BASE_URL).replace(/\/+$/, "");
  const { method, signal } = request;
  const { search } = new URL(request.url);
  const counted = Promise.withResolvers<void>();
  // Registered before the call: a caller that leaves early would otherwise cancel the counting.
  waitUntil(counted.promise);
  const start = Date.now();
  let answer: Response;
  try {
    // A metered call is not aborted with its caller: its usage is still to come.
    const abortable = call ? {} : { signal };
    // A redirect target must not receive the credential.
    const init = { method, headers, body, redirect: "manual", ...abortable } as const;
    answer = await fetch(`${base}${path}${search}`, init);
    if (answer.status >= 300 && answer.status < 400) {
      await answer.body?.cancel();
      throw new Error(`it answers ${answer.status}, a redirection`);
    }
  } catch (error) {
    counted.resolve();
    const { session, turn } = call ?? {};
    logger.error("model API not reached", { account, session, turn, host: hostOf(base), error });
    throw new EdgeError("model_unreachable", "The model API could not be reached.");
  }
  const answered = Date.now();
  const { status, statusText } = answer;
  const answerHeaders = new Headers(answer.headers);
  for (const name of answer.headers.keys()) {
    if (ANSWER_STRIPPED.test(name)) answerHeaders.delete(name);
  }
  const init = { status, statusText, headers: answerHeaders };
  if (call?.session && !answer.ok) {
    waitUntil(counter.failModelCall(call, status, { start, answered, end: answered }));
  }
  if (!call || !answer.ok || !answer.body) {
    counted.resolve();
    return new Response(answer.body, init);
  }

  const type = answer.headers.get("content-type") ?? "";
  const isStream = type.toLowerCase().startsWith("text/event-stream");
  const onEnd = (seen: Metered | undefined) => {
    const timing = { start, answered, end: Date.now() };
    const done = seen
      ? report(() => counter.endModelCall(call, seen.model, usageOf(seen), timing), {
          account,
          session: call.session,
          turn: call.turn,
        })
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

/** A URL without what may be a secret in it. */
const hostOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).host : undefined;

/** Pauses before each attempt to report a call, milliseconds. Work after an answer may take 30 s in all. */
const REPORT_PAUSES = [0, 100, 1_000, 5_000, 15_000];

/** Reports usage, with retries: it is known only here, and the object may be restarting. */
async function report(tell: () => Promise<void>, subject: LogSubject): Promise<void> {
  for (const pause of REPORT_PAUSES) {
    await scheduler.wait(pause);
    try {
      return await tell();
    } catch (error) {
      logger.warn("model call not counted", { ...subject, error });
    }
  }
}
