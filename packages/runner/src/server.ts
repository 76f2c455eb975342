import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import {
  EdgeError,
  errorPolicy,
  PROTOCOL_VERSION,
  type CallbackAnswer,
} from "@claude-edge/protocol";
import { Bell, readLines } from "@claude-edge/protocol/internal";
import type {
  AnswerTaken,
  ControlCall,
  RunnerHealth,
  StartTurn,
  TranscriptEntry,
} from "@claude-edge/protocol/runner";

import type { AgentDefinition } from "./agent.js";
import type { RunnerFolders } from "./environment.js";
import { EventLog } from "./event-log.js";
import { RETRY_AFTER_S, Sessions, type ProcessPolicy } from "./sessions.js";
import { sdkVersion, VERSION } from "./version.js";
import { onWorkspace } from "./workspace-routes.js";

/** A log reader gets a ping this often, milliseconds: a runner that hangs must be told from a turn that thinks. */
const PING_MS = 3_000;

/** What a log reader is given at shutdown to take what is left, milliseconds. */
const LAST_WORDS_MS = 300;

const SESSION = /^\/sessions\/([0-9a-f-]{36})$/;
const TRANSCRIPT = /^\/sessions\/([0-9a-f-]{36})\/transcript$/;
const TURN = /^\/sessions\/([0-9a-f-]{36})\/turns\/([0-9a-f-]{36})$/;
const INTERRUPT = /^\/sessions\/([0-9a-f-]{36})\/turns\/([0-9a-f-]{36})\/interrupt$/;
const REQUEST = /^\/sessions\/([0-9a-f-]{36})\/requests\/([0-9a-f-]{36})$/;
const CONTROL = /^\/sessions\/([0-9a-f-]{36})\/control$/;

/** The runner: an HTTP server, its sessions and their one log. */
export class Runner {
  readonly log: EventLog = new EventLog();
  readonly #sessions: Sessions;
  readonly #server: Server;
  readonly #failure: string | undefined;
  readonly #sdkVersion: string = sdkVersion();
  /** Open readers of the log. */
  #readers = 0;
  #closing = false;

  /** With an agent that is an error, it only tells so: better than a container that will not start. */
  constructor(agent: AgentDefinition | Error, folders: RunnerFolders, policy: ProcessPolicy) {
    this.#failure = agent instanceof Error ? agent.message : undefined;
    this.#sessions = new Sessions(agent instanceof Error ? {} : agent, folders, policy, this.log);
    this.#server = createServer((request, response) => {
      this.#route(request, response).catch((error: unknown) => {
        if (response.headersSent) return response.destroy();
        if (error instanceof EdgeError) return refuse(response, error);
        answer(response, 500, { error: error instanceof Error ? error.message : "failed" });
      });
    });
    // A log reader's connection is open for as long as a turn takes.
    this.#server.requestTimeout = 0;
  }

  /** Listens on a port of all interfaces, or on a Unix socket when given its path. */
  async listen(portOrPath: number | string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(portOrPath, resolve);
    });
    if (this.#failure === undefined) this.#sessions.open();
  }

  /** Ends every session and its processes. Turns that were running stay open: the Worker counts them as lost. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#sessions.close();
    // The last entries of the transcripts are on their way to whoever reads the log.
    if (this.#readers > 0) await new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS));
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://runner");
    const route = `${request.method} ${url.pathname}`;
    if (route === "GET /health") return answer(response, 200, this.#health());
    if (this.#closing) return answer(response, 503, { error: "shutting down" });
    if (route === "GET /log") return this.#sendLog(url, response);
    if (route === "POST /log/ack") {
      if (this.#isThisBoot(url)) this.log.acknowledge(Number(url.searchParams.get("cursor")));
      return answer(response, 200, {});
    }
    return this.#onSession(request, url.pathname, response);
  }

  async #onSession(request: IncomingMessage, path: string, response: ServerResponse) {
    const { method } = request;
    const turn = method === "PUT" && TURN.exec(path);
    if (turn) {
      const start = JSON.parse(await text(request)) as StartTurn;
      return answer(response, 202, this.#sessions.startTurn(turn[1]!, turn[2]!, start));
    }
    const answered = method === "POST" && REQUEST.exec(path);
    if (answered) {
      const given = JSON.parse(await text(request)) as CallbackAnswer;
      const taken = this.#sessions.answer(answered[1]!, answered[2]!, given);
      return answer(response, 200, { taken } satisfies AnswerTaken);
    }
    const control = method === "POST" && CONTROL.exec(path);
    if (control) {
      const call = JSON.parse(await text(request)) as ControlCall;
      return answer(response, 200, await this.#sessions.control(control[1]!, call));
    }
    if (await onWorkspace(this.#sessions, request, path, response)) return;
    const interrupt = method === "POST" && INTERRUPT.exec(path);
    const transcript = method === "PUT" && TRANSCRIPT.exec(path);
    const session = method === "DELETE" && SESSION.exec(path);
    if (interrupt) await this.#sessions.get(interrupt[1]!)?.interrupt(interrupt[2]!);
    else if (transcript) await this.#sessions.restore(transcript[1]!, transcriptEntries(request));
    else if (session) await this.#sessions.remove(session[1]!);
    else return answer(response, 404, { error: `no route ${method} ${path}` });
    answer(response, 200, {});
  }

  #health(): RunnerHealth {
    const { boot } = this.log;
    const error = this.#failure === undefined ? {} : { error: this.#failure };
    const versions = {
      version: VERSION,
      protocol: PROTOCOL_VERSION,
      sdk_version: this.#sdkVersion,
    };
    return { status: "ok", boot, ...versions, ...error };
  }

  /** The cursor of another boot means nothing here: such a reader gets the log from its start. */
  #isThisBoot(url: URL): boolean {
    return url.searchParams.get("boot") === this.log.boot;
  }

  async #sendLog(url: URL, response: ServerResponse): Promise<void> {
    let cursor = this.#isThisBoot(url) ? Number(url.searchParams.get("after") ?? 0) : 0;
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(`${JSON.stringify(this.log.head)}\n`);
    const bell = new Bell();
    this.#readers += 1;
    const unsubscribe = this.log.onAppend(bell.ring);
    response.on("close", bell.ring).on("drain", bell.ring);
    const ping = setInterval(() => response.write('{"kind":"ping"}\n'), PING_MS);
    try {
      while (!response.destroyed) {
        const next = this.log.read(cursor);
        if (next.text === "" || response.writableNeedDrain) {
          await bell.rung();
          // What one tick of the event loop emits travels in one piece.
          await new Promise((resolve) => setImmediate(resolve));
        } else {
          cursor = next.cursor;
          response.write(next.text);
        }
      }
    } finally {
      clearInterval(ping);
      unsubscribe();
      this.#readers -= 1;
    }
  }
}

async function* transcriptEntries(request: IncomingMessage): AsyncGenerator<TranscriptEntry[]> {
  const chunks = request[Symbol.asyncIterator]();
  const read = async () => (await chunks.next()) as { done: boolean; value?: Uint8Array };
  for await (const lines of readLines({ read })) {
    yield lines.map((line) => JSON.parse(line) as TranscriptEntry);
  }
}

function refuse(response: ServerResponse, { code, message }: EdgeError): void {
  const { status } = errorPolicy(code);
  const headers = status === 503 ? { "retry-after": String(RETRY_AFTER_S) } : {};
  response.writeHead(status, { ...headers, "content-type": "application/json" });
  response.end(JSON.stringify({ error: code, message }));
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
