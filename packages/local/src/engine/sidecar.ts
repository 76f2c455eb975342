import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";

import type { Authority } from "./authority.js";
import type { EgressConfig } from "./egress.js";
import { join } from "./tunnel.js";

/** The port that workerd's sidecar image listens on, as Docker's inspect names it. */
export const INGRESS_PORT = "39001/tcp";

/**
 * What workerd's network sidecar does for a container: HTTP CONNECT on a loopback port leads to the container,
 * `PUT /egress` tells where the container's own requests go, and `GET /ca` which authority ends its HTTPS.
 */
export class Sidecar {
  /** Where the container listens: the path of a Unix socket, so that no two containers contend for a port. */
  target: string | undefined;
  readonly egress: EgressConfig;
  /** Ends the container's HTTPS. */
  readonly authority: Authority;
  readonly #server: Server;
  readonly #connections = new Set<Duplex>();

  constructor(egressPort: number, authority: Authority) {
    this.authority = authority;
    this.egress = { port: egressPort, internet: false };
    this.#server = createServer((request, response) => {
      if (request.method === "GET" && request.url === "/ca")
        return response.end(authority.certificate);
      if (request.method !== "PUT") return response.writeHead(404).end();
      void this.#configure(request).then(() => response.writeHead(204).end());
    });
    this.#server.on("connect", (_request, client: Duplex, head: Buffer) =>
      this.#enter(client, head),
    );
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #configure(request: IncomingMessage): Promise<void> {
    const body = await text(request);
    const config = JSON.parse(body || "{}") as { port?: number; internet?: { enabled?: boolean } };
    if (config.port) this.egress.port = config.port;
    if (config.internet) this.egress.internet = config.internet.enabled ?? false;
  }

  #enter(client: Duplex, head: Buffer): void {
    this.#connections.add(client);
    client.on("close", () => this.#connections.delete(client));
    client.on("error", () => client.destroy());
    // workerd reads a 400 as "the container is not listening".
    const refuse = () => client.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    if (!this.target) return void refuse();
    const origin = connect(this.target);
    origin.once("error", refuse);
    origin.once("connect", () => {
      origin.off("error", refuse);
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      if (head.length > 0) client.unshift(head);
      join(client, origin);
    });
    client.on("close", () => origin.destroy());
  }
}
