import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { EdgeError } from "@claude-edge/protocol";
import { RUNNER_PROTOCOL, type RunnerHealth } from "@claude-edge/protocol/runner";

import { SessionLogs } from "../log/session-logs.js";
import { logger } from "../logger.js";
import type { AgentDefinition } from "../process/agent-definition.js";
import type { RunnerFolders } from "../process/environment.js";
import type { ProcessPolicy } from "../process/policy.js";
import { Sessions } from "../sessions/registry.js";
import { sdkVersion, VERSION } from "../version.js";
import { refuse, respond } from "./respond.js";
import { findRoute, type Route } from "./router.js";
import { routesOf } from "./routes.js";

/** How long log readers have at shutdown to receive what is left, milliseconds. */
const LAST_READ_MS = 300;

/** How long drained turns have until all of their frames are stored, milliseconds. Files may have to be fetched. */
const HANDOVER_MS = 10_000;
const HANDOVER_CHECK_MS = 50;

/** The runner: an HTTP server, its sessions and their logs. */
export class Runner {
  readonly #sessions: Sessions;
  readonly #logs = new SessionLogs();
  readonly #routes: Route[];
  readonly #server: Server;
  readonly #isUsable: boolean;
  #isClosing = false;

  /** An agent that could not be loaded is reported as unhealthy: a container that does not start would say less. */
  constructor(agent: AgentDefinition | Error, folders: RunnerFolders, policy: ProcessPolicy) {
    this.#isUsable = !(agent instanceof Error);
    const usable = agent instanceof Error ? {} : agent;
    this.#sessions = new Sessions(usable, folders, policy, this.#logs);
    const health: RunnerHealth = {
      status: "ok",
      boot: this.#logs.boot,
      version: VERSION,
      protocol: RUNNER_PROTOCOL,
      sdk_version: sdkVersion(),
      ...(agent instanceof Error ? { error: agent.message } : {}),
    };
    this.#routes = routesOf({ health, sessions: this.#sessions, logs: this.#logs });
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (response.headersSent) {
          logger.warn("answer to the Worker broke off", { method: request.method, error });
          return response.destroy();
        }
        if (error instanceof EdgeError) return refuse(response, error);
        logger.error("request of the Worker failed", { method: request.method, error });
        respond(response, 500, { error: error instanceof Error ? error.message : "failed" });
      });
    });
    // The connection of a log reader is open for as long as a turn takes.
    this.#server.requestTimeout = 0;
  }

  /** Listens on a port of all interfaces, or on a Unix socket when given its path. */
  async listen(portOrPath: number | string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(portOrPath, resolve);
    });
    if (this.#isUsable) this.#sessions.open();
  }

  /**
   * Refuses new turns and lets those that run end. When the signal aborts, those that are left are cut off as by
   * {@link close}, which follows in any case.
   */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#sessions.drain(signal);
    if (!signal.aborted) await this.#handOver(signal);
    await this.close();
  }

  /** Ends every session and its processes. Running turns get no outcome: the Worker counts them as lost. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.#sessions.close();
    // The last transcript entries are on their way.
    if (this.#logs.hasReaders) await new Promise((resolve) => setTimeout(resolve, LAST_READ_MS));
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Resolves when the readers of logs have stored everything, files too, or do not come for it. */
  async #handOver(signal: AbortSignal): Promise<void> {
    await this.#sessions.checkpointAll();
    const deadline = performance.now() + HANDOVER_MS;
    while (!this.#logs.isHandedOver && !signal.aborted && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, HANDOVER_CHECK_MS));
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://runner");
    if (this.#isClosing && pathname !== "/health") {
      return respond(response, 503, { error: "shutting down" });
    }
    const found = findRoute(this.#routes, request.method, pathname);
    if (!found) {
      return respond(response, 404, { error: `no route ${request.method} ${pathname}` });
    }
    const { route, params } = found;
    const body = await route.handle({ request, response, params, query: searchParams });
    if (body !== undefined) respond(response, 200, body);
  }
}
