import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { readConversation, type MessagesRequest } from "./conversation.js";
import { limited, type Limited } from "./limited.js";
import { answerTo } from "./reply.js";
import { ScriptError, type Answer } from "./script.js";
import { SeenRequests, sessionOf, type SeenRequest } from "./seen.js";
import { messageEvents, wholeMessage, type MessageHead } from "./stream.js";
import { ThreadNotFoundError, Threads } from "./threads.js";

export interface ScriptedModelOptions {
  /** Port to listen on, loopback only; any free one without it. */
  port?: number;
  /** Pause before each word of a streamed answer, milliseconds. 0 without it: it answers at once. */
  pace?: number;
}

/** A small Messages API that answers deterministically. For demos, tests and offline work. */
export interface ScriptedModel {
  url: string;
  /** The key it demands: whoever does not hold it gets a 401, as from the real API. */
  key: string;
  /** The requests, oldest first; of each session the newest 1000. Other tests may ask too: prefer {@link asked}. */
  requests: readonly SeenRequest[];
  /** Those whose body or headers hold a text: a prompt, or a session's id. */
  asked(text: string): SeenRequest[];
  close(): Promise<void>;
}

const MODELS = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"];

const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/** What the API says of an organisation's limits with each answer. */
const RATE_LIMITS = {
  "anthropic-ratelimit-requests-limit": "1000",
  "anthropic-ratelimit-requests-remaining": "999",
  "anthropic-ratelimit-requests-reset": "2026-11-01T00:00:00Z",
};

function send(response: ServerResponse, status: number, body: unknown, id = `req_${status}`) {
  response.writeHead(status, {
    "content-type": "application/json",
    "request-id": id,
    ...RATE_LIMITS,
  });
  response.end(JSON.stringify(body));
}

function sendError(response: ServerResponse, status: number, message: string, details?: object) {
  const error = { type: ERROR_TYPES[status] ?? "api_error", message, ...(details && { details }) };
  send(response, status, { type: "error", error, request_id: `req_${status}` });
}

const statusOf = (type: string) =>
  Number(Object.keys(ERROR_TYPES).find((status) => ERROR_TYPES[Number(status)] === type) ?? 500);

const errorOf = (type: string, message: string) => ({ type: "error", error: { type, message } });

const frameOf = (event: { type: string }) =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

const modelOf = (id: string) => ({
  type: "model",
  id,
  display_name: id,
  created_at: "2026-01-01T00:00:00Z",
});

function sendModel(response: ServerResponse, id: string) {
  if (MODELS.includes(id)) return send(response, 200, modelOf(id));
  sendError(response, 404, `model: ${id}`);
}

/** Resolves when there is room again, or nobody to write for. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

const digest = (value: string) => createHash("sha256").update(value).digest();

/** Starts the scripted model on loopback. */
export async function startScriptedModel(
  options: ScriptedModelOptions = {},
): Promise<ScriptedModel> {
  const key = `scripted-${randomBytes(16).toString("hex")}`;
  const requests = new SeenRequests();
  const threads = new Threads();
  const tries = new Map<string, number>();
  let served = 0;

  const authorized = (request: IncomingMessage) => {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const given = request.headers["x-api-key"] ?? bearer ?? "";
    return timingSafeEqual(digest(String(given)), digest(key));
  };

  /** Counts the tries of one step of one prompt, so that a failure can be limited to the first few. */
  const tryNumber = (request: SeenRequest, body: MessagesRequest, step: number) => {
    const session = sessionOf(request);
    const id = digest(`${session}\n${step}\n${readConversation(body).prompts.join("\n")}`).toString(
      "hex",
    );
    const number = (tries.get(id) ?? 0) + 1;
    tries.set(id, number);
    return number;
  };

  async function stream(
    { response, seen }: { response: ServerResponse; seen: SeenRequest },
    head: MessageHead,
    answer: Limited,
    { cut, fail }: { cut: Answer["cut"] | undefined; fail: Answer["fail"] | undefined },
  ) {
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "request-id": `req_${head.id}`,
      ...RATE_LIMITS,
    });
    const events = [...messageEvents(head, answer, options.pace ?? 0)];
    const end = cut || fail ? Math.ceil(events.length / 2) : events.length;
    let isCut = false;
    response.once("close", () => (seen.left = !isCut && !response.writableFinished));
    for (const { after, event } of events.slice(0, end)) {
      if (after > 0) await sleep(after);
      if (response.destroyed) return;
      if (!response.write(frameOf(event))) await roomIn(response);
    }
    if (!cut) return response.end(fail && frameOf(errorOf(fail.type, `scripted ${fail.type}`)));
    await sleep(cut.ms);
    isCut = !response.destroyed;
    response.destroy();
  }

  async function messages(request: IncomingMessage, response: ServerResponse) {
    const json = await text(request);
    const sent = JSON.parse(json) as MessagesRequest;
    const { url: path = "", headers } = request;
    const seen = { path, headers, body: sent, text: json, left: false };
    requests.add(seen);
    const inputTokens = Math.ceil(json.length / 4);
    if (/count_tokens/.test(path)) {
      return send(response, 200, { input_tokens: inputTokens });
    }
    const body = threads.whole(sent);
    const conversation = readConversation(body);
    const answer = answerTo(body, conversation);
    const number = tryNumber(seen, body, conversation.step);
    const ofThisTry = <Failure extends { times: number }>(failure: Failure | undefined) =>
      failure && number <= failure.times ? failure : undefined;
    if (ofThisTry(answer.drop)) return response.destroy();
    const error = ofThisTry(answer.error);
    if (error) {
      const { status, retryAfterS } = error;
      if (retryAfterS !== undefined) response.setHeader("retry-after", String(retryAfterS));
      return sendError(response, status, `scripted error ${status}`);
    }
    const [cut, fail] = [ofThisTry(answer.cut), ofThisTry(answer.fail)];
    if (fail && !body.stream) {
      return send(response, statusOf(fail.type), errorOf(fail.type, `scripted ${fail.type}`));
    }
    served += 1;
    const within = limited(answer.actions, body);
    const head = { id: String(served).padStart(8, "0"), model: body.model, inputTokens };
    const message = wholeMessage(head, within);
    threads.hold(body, message);
    if (body.stream) {
      return stream({ response, seen }, head, within, { cut, fail });
    }
    return send(response, 200, message, `req_${head.id}`);
  }

  async function handle(request: IncomingMessage, response: ServerResponse) {
    const path = new URL(request.url ?? "/", "http://model").pathname;
    if (request.method === "HEAD") return response.writeHead(200).end();
    if (!authorized(request)) return sendError(response, 401, "invalid x-api-key");
    if (request.method === "GET" && path === "/v1/models") {
      const data = MODELS.map(modelOf);
      const ends = { first_id: MODELS[0], last_id: MODELS.at(-1) };
      return send(response, 200, { data, has_more: false, ...ends });
    }
    const model = request.method === "GET" && /^\/v1\/models\/([^/]+)$/.exec(path)?.[1];
    if (model) return sendModel(response, decodeURIComponent(model));
    if (request.method === "POST" && /^\/v1\/messages(\/count_tokens)?$/.test(path)) {
      return messages(request, response);
    }
    return sendError(response, 404, `no route ${request.method} ${path}`);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
      if (error instanceof ThreadNotFoundError) {
        return sendError(response, 404, error.message, { error_code: "thread_not_found" });
      }
      const bad = error instanceof ScriptError || error instanceof SyntaxError;
      sendError(response, bad ? 400 : 500, error instanceof Error ? error.message : "failed");
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    key,
    requests: requests.all,
    asked: (of) => requests.asked(of),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
