import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { readConversation, type MessagesRequest } from "./conversation.js";
import { answerTo } from "./reply.js";
import { ScriptError, type Answer } from "./script.js";
import { messageEvents, wholeMessage, type MessageHead } from "./stream.js";

export interface ScriptedModelOptions {
  /** Port to listen on, loopback only; any free one without it. */
  port?: number;
  /** Pause before each word of a streamed answer, milliseconds. 0 without it: it answers at once. */
  pace?: number;
}

/** A request the scripted model was sent. */
interface SeenRequest {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: MessagesRequest;
}

/** A small Messages API that answers deterministically. For demos, tests and offline work. */
export interface ScriptedModel {
  url: string;
  /** The key it demands: whoever does not hold it gets a 401, as from the real API. */
  key: string;
  /** The newest requests, oldest first; at most 1000 are kept. */
  requests: SeenRequest[];
  close(): Promise<void>;
}

const MODELS = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"];

const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function send(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { "content-type": "application/json", "request-id": `req_${status}` });
  response.end(JSON.stringify(body));
}

function sendError(response: ServerResponse, status: number, message: string) {
  const type = ERROR_TYPES[status] ?? "api_error";
  send(response, status, { type: "error", error: { type, message }, request_id: `req_${status}` });
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
  const requests: SeenRequest[] = [];
  const tries = new Map<string, number>();
  let served = 0;

  const authorized = (request: IncomingMessage) => {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const given = request.headers["x-api-key"] ?? bearer ?? "";
    return timingSafeEqual(digest(String(given)), digest(key));
  };

  /** Counts the tries of one step of one prompt, so that a failure can be limited to the first few. */
  const tryNumber = (request: IncomingMessage, body: MessagesRequest, step: number) => {
    const session = String(request.headers["x-claude-code-session-id"] ?? "");
    const id = digest(`${session}\n${step}\n${readConversation(body).prompts.join("\n")}`).toString(
      "hex",
    );
    const number = (tries.get(id) ?? 0) + 1;
    tries.set(id, number);
    return number;
  };

  async function stream(response: ServerResponse, head: MessageHead, answer: Answer, cut: boolean) {
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "request-id": `req_${head.id}`,
    });
    const events = [...messageEvents(head, answer.actions, options.pace ?? 0)];
    const end = cut ? Math.ceil(events.length / 2) : events.length;
    for (const { after, event } of events.slice(0, end)) {
      if (after > 0) await sleep(after);
      if (response.destroyed) return;
      const room = response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      if (!room) await roomIn(response);
    }
    if (cut) response.destroy();
    else response.end();
  }

  async function messages(request: IncomingMessage, response: ServerResponse) {
    const json = await text(request);
    const body = JSON.parse(json) as MessagesRequest;
    requests.push({ path: request.url ?? "", headers: request.headers, body });
    if (requests.length > 1000) requests.shift();
    const inputTokens = Math.ceil(json.length / 4);
    if (/count_tokens/.test(request.url ?? "")) {
      return send(response, 200, { input_tokens: inputTokens });
    }
    const conversation = readConversation(body);
    const answer = answerTo(body, conversation);
    const number = tryNumber(request, body, conversation.step);
    if (answer.error && number <= answer.error.times) {
      return sendError(response, answer.error.status, `scripted error ${answer.error.status}`);
    }
    served += 1;
    const head = { id: String(served).padStart(8, "0"), model: body.model, inputTokens };
    if (body.stream) {
      return stream(response, head, answer, number <= (answer.cut?.times ?? 0));
    }
    return send(response, 200, wholeMessage(head, answer.actions));
  }

  async function handle(request: IncomingMessage, response: ServerResponse) {
    const path = new URL(request.url ?? "/", "http://model").pathname;
    if (request.method === "HEAD") return response.writeHead(200).end();
    if (!authorized(request)) return sendError(response, 401, "invalid x-api-key");
    if (request.method === "GET" && path === "/v1/models") {
      const data = MODELS.map((id) => ({ type: "model", id, display_name: id }));
      return send(response, 200, { data, has_more: false });
    }
    if (request.method === "POST" && /^\/v1\/messages(\/count_tokens)?$/.test(path)) {
      return messages(request, response);
    }
    return sendError(response, 404, `no route ${request.method} ${path}`);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
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
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
