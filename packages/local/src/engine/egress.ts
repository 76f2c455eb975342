import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
} from "node:http";
import type { ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What workerd says of a container's way out: where its listener is, and whether the internet is open. */
export interface EgressConfig {
  port: number;
  internet: boolean;
}

/** The host is none that the Worker intercepts. */
class NotInterceptedError extends Error {
  override readonly name = "NotInterceptedError";
}

/** Headers that end at a proxy (RFC 9110, 7.6.1, and the two that proxies use among themselves). */
const HOP_BY_HOP = ["proxy-connection", "proxy-authorization"];

/**
 * The way out of a container that is a local process: an HTTP proxy. Plain HTTP goes to workerd as the network
 * sidecar would send it (CONNECT with `X-Hostname`), and workerd hands it to the Worker that intercepts the host, or
 * refuses it. TLS is tunnelled only where the container was started with the internet open.
 */
export class EgressProxy {
  readonly #server: Server;
  readonly #agents = new Map<string, Agent>();
  readonly #tunnels = new Set<Duplex>();
  readonly #config: () => EgressConfig;

  constructor(config: () => EgressConfig) {
    this.#config = config;
    this.#server = createServer((request, response) => this.#forward(request, response));
    this.#server.on("connect", (request, client: Duplex) => this.#tunnel(request, client));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    for (const tunnel of this.#tunnels) tunnel.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const refuse = (status: number, message: string) => {
      response.writeHead(status, { "content-type": "text/plain" }).end(message);
    };
    let target: URL;
    try {
      target = new URL(request.url ?? "");
    } catch {
      return refuse(400, "this is a proxy: send an absolute URL\n");
    }
    const headers: Record<string, string | string[] | undefined> = {
      ...request.headers,
      host: target.host,
    };
    for (const name of HOP_BY_HOP) delete headers[name];
    const upstream = httpRequest(
      {
        agent: this.#agentFor(target.hostname),
        method: request.method,
        path: target.pathname + target.search,
        headers,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    upstream.on("error", (error) => {
      // A connection that broke must look like one, not like an answer.
      if (!(error instanceof NotInterceptedError) || response.headersSent)
        return response.destroy();
      refuse(403, `${target.hostname} is not reachable from this container\n`);
    });
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  }

  /** Tunnels are kept open between requests: a new one costs two round trips through workerd. */
  #agentFor(hostname: string): Agent {
    let agent = this.#agents.get(hostname);
    if (!agent) {
      agent = new Agent({ keepAlive: true });
      agent.createConnection = (_options, done) => {
        this.#dial(hostname).then(
          (socket) => done?.(null, socket),
          (error: Error) => done?.(error, undefined as never),
        );
        return undefined as never;
      };
      this.#agents.set(hostname, agent);
    }
    return agent;
  }

  #dial(hostname: string): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      httpRequest({
        host: "127.0.0.1",
        port: this.#config().port,
        method: "CONNECT",
        // workerd matches on the name; the address only has to be one that nothing else maps.
        path: "11.0.0.1:80",
        headers: { host: "11.0.0.1:80", "x-hostname": hostname, "x-proto": "tcp" },
      })
        .on("connect", (answer, socket) => {
          // 200: a Worker intercepts the host. 202: workerd would let the bytes through, if it lets anything through.
          if (answer.statusCode === 200) return resolve(socket);
          socket.destroy();
          reject(new NotInterceptedError());
        })
        .on("error", reject)
        .end();
    });
  }

  #tunnel(request: IncomingMessage, client: Duplex): void {
    const [host = "", port = "443"] = (request.url ?? "").split(":");
    this.#tunnels.add(client);
    client.on("close", () => this.#tunnels.delete(client));
    client.on("error", () => client.destroy());
    if (!this.#config().internet) return void client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    const origin: Socket = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(origin).pipe(client);
    });
    origin.on("error", () => client.destroy());
    client.on("close", () => origin.destroy());
  }
}
