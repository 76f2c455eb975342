import {
  Agent,
  createServer,
  request as httpRequest,
  ServerResponse,
  type IncomingMessage,
  type Server,
} from "node:http";
import { connect, isIP, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket, type SecureContext } from "node:tls";

import { MODEL_HOST } from "@claude-edge/protocol/runner";

import type { Authority } from "./authority.js";
import { dial, join, NotInterceptedError, PLAIN_PORT } from "./tunnel.js";

/** What workerd says of a container's way out: where its listener is, and whether the internet is open. */
export interface EgressConfig {
  port: number;
  internet: boolean;
}

/** Headers that end at a proxy (RFC 9110, 7.6.1 and 7.8), and those that proxies use among themselves. */
const HOP_BY_HOP = [
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "upgrade",
];

/** A name with a port. Addresses are not among them: TLS for one names no server, so nothing can intercept it. */
const NAME_AND_PORT = /^([a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?)\.?:(\d{1,5})$/i;

/**
 * workerd forgets at a restart what it intercepts, until the container's object is loaded. On the platform the way to the
 * model outlives a deployment, so here it is waited for, milliseconds.
 */
const RESTART_MS = 20_000;
const RESTART_CHECK_MS = 100;

/**
 * Connections of a container at a time; more are closed at once. npm and pip open up to 50. Each costs three descriptors
 * here and one in workerd, of which many machines allow a process 1024.
 */
const MAX_CONNECTIONS = 256;

/**
 * The way out of a container that is a local process: an HTTP proxy. Plain HTTP goes to workerd as the network sidecar
 * would send it, and TLS too, once it was ended here with a certificate of the stack's authority. workerd hands it to the
 * Worker that intercepts the name. Everything else is refused, unless the container was started with the internet open.
 */
export class EgressProxy {
  readonly #server: Server;
  readonly #agents = new Map<string, Agent>();
  /** Connections that Node's server does not know any more. */
  readonly #taken = new Set<Duplex>();
  readonly #config: () => EgressConfig;
  readonly #authority: Authority;

  constructor(config: () => EgressConfig, authority: Authority) {
    this.#config = config;
    this.#authority = authority;
    this.#server = createServer(
      // To what else asks for an upgrade, as `h2c`, the answer is one without.
      { shouldUpgradeCallback: isWebSocket },
      (request, response) => this.#forward(request, response),
    );
    this.#server.on("upgrade", (request, client, head) => this.#upgrade(request, client, head));
    this.#server.on("connect", (request, client, head) => {
      this.#track(client, head);
      void this.#tunnel(request.url ?? "", client);
    });
    // An upload takes as long as it takes.
    this.#server.requestTimeout = 0;
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    for (const client of this.#taken) client.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const refuse = (status: number, message: string) => {
      response.writeHead(status, { "content-type": "text/plain" }).end(`${message}\n`);
    };
    const target = URL.parse(request.url ?? "");
    if (target?.protocol !== "http:") {
      return refuse(400, "this is a proxy: send an absolute URL of plain HTTP, or CONNECT");
    }
    const unreachable = () => refuse(403, `${target.host} is not reachable from this container`);
    const headers: NodeJS.Dict<string | string[]> = { ...request.headers, host: target.host };
    for (const name of HOP_BY_HOP) delete headers[name];
    if (isWebSocket(request))
      Object.assign(headers, { connection: "upgrade", upgrade: "websocket" });
    const upstream = httpRequest({
      agent: this.#agentFor(target.hostname),
      method: request.method,
      path: target.pathname + target.search,
      headers,
    });
    upstream.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    upstream.on("upgrade", (answer, worker, head) => {
      const client = response.socket!;
      response.detachSocket(client);
      if (head.length > 0) worker.unshift(head);
      client.write(headOf(answer));
      join(client, worker);
    });
    upstream.on("error", (error) => {
      // A connection that broke must look like one, not like an answer.
      if (!(error instanceof NotInterceptedError) || response.headersSent)
        return response.destroy();
      unreachable();
    });
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  }

  #upgrade(request: IncomingMessage, client: Duplex, head: Buffer): void {
    this.#track(client, head);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(client as Socket);
    response.on("finish", () => client.end());
    this.#forward(request, response);
  }

  /** Tunnels are kept open between requests: a new one costs two round trips through workerd. */
  #agentFor(hostname: string): Agent {
    let agent = this.#agents.get(hostname);
    if (!agent) {
      agent = new Agent({ keepAlive: true });
      agent.createConnection = (_options, done) => {
        this.#reach(hostname).then(
          (socket) => done?.(null, socket),
          (error: Error) => done?.(error, undefined as never),
        );
        return undefined as never;
      };
      this.#agents.set(hostname, agent);
    }
    return agent;
  }

  /** Reaches workerd for a name. */
  async #reach(hostname: string): Promise<Duplex> {
    const deadline = Date.now() + RESTART_MS;
    for (;;) {
      try {
        return await dial(this.#config().port, hostname, PLAIN_PORT);
      } catch (error) {
        if (hostname !== MODEL_HOST || Date.now() > deadline) throw error;
        await sleep(RESTART_CHECK_MS);
      }
    }
  }

  async #tunnel(target: string, client: Duplex): Promise<void> {
    const [, name = "", digits] = NAME_AND_PORT.exec(target.toLowerCase()) ?? [];
    const port = Number(digits);
    try {
      if (!(port < 65_536) || isIP(name) !== 0) throw new NotInterceptedError();
      const worker = await dial(this.#config().port, name, port);
      client.on("close", () => worker.destroy());
      if (client.destroyed) return void worker.destroy();
      const secureContext = port === PLAIN_PORT ? undefined : await this.#authority.contextOf(name);
      client.write(ESTABLISHED);
      join(secureContext ? endTls(client, secureContext) : client, worker);
    } catch (error) {
      if (!(error instanceof NotInterceptedError)) return void client.destroy();
      if (this.#config().internet) return pass(target, client);
      client.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    }
  }

  /** Takes over a connection that Node's server has given up, with what it had read of it. */
  #track(client: Duplex, head: Buffer): void {
    this.#taken.add(client);
    client.on("close", () => this.#taken.delete(client));
    client.on("error", () => client.destroy());
    if (head.length > 0) client.unshift(head);
  }
}

const ESTABLISHED = "HTTP/1.1 200 OK\r\n\r\n";

const isWebSocket = ({ headers }: IncomingMessage) =>
  headers.upgrade?.toLowerCase() === "websocket";

/** The server's end of a TLS connection. */
const endTls = (client: Duplex, secureContext: SecureContext) =>
  new TLSSocket(client as Socket, {
    isServer: true,
    secureContext,
    // What a Worker answers is HTTP/1.1.
    ALPNProtocols: ["http/1.1"],
  });

/** The head of an answer, as it came. */
function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Lets a connection through as it is. */
function pass(target: string, client: Duplex): void {
  const [host = "", port = "443"] = target.split(":");
  const origin = connect(Number(port), host, () => {
    client.write(ESTABLISHED);
    join(client, origin);
  });
  origin.on("error", () => client.destroy());
  client.on("close", () => origin.destroy());
}
