import { request } from "node:http";
import type { Duplex } from "node:stream";

/** Nothing intercepts the name. */
export class NotInterceptedError extends Error {
  override readonly name = "NotInterceptedError";
}

/** The port of plain HTTP. What is sent to another is taken for TLS. */
export const PLAIN_PORT = 80;

/**
 * A tunnel to the Worker that intercepts a name at a port, asked for as the network sidecar does. What goes in is plain
 * HTTP on any port.
 * @throws NotInterceptedError
 */
export function dial(egressPort: number, name: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    // workerd matches on name and port; the address only has to be one that nothing else maps.
    const address = `11.0.0.1:${port}`;
    const header = port === PLAIN_PORT ? "x-hostname" : "x-tls-sni";
    request({
      host: "127.0.0.1",
      port: egressPort,
      method: "CONNECT",
      path: address,
      headers: { host: address, [header]: name, "x-proto": "tcp" },
    })
      .on("connect", (answer, socket, head) => {
        // 200: a Worker intercepts the name. 202: workerd would let the bytes through, if it lets anything through.
        if (answer.statusCode === 200) {
          if (head.length > 0) socket.unshift(head);
          return resolve(socket);
        }
        socket.destroy();
        reject(new NotInterceptedError());
      })
      .on("error", reject)
      .end();
  });
}

/** Joins two connections: what comes from one goes to the other, and they end together. */
export function join(left: Duplex, right: Duplex): void {
  left.pipe(right).pipe(left);
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}
