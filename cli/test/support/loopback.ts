import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Server } from "node:net";

import { afterAll } from "vitest";

/** Servers on loopback that are closed after the file's tests. */
export interface Loopback {
  /** Listens on any free port; gives it. */
  listen: (server: Server) => Promise<number>;
  /** Serves HTTP; gives the URL. */
  serve: (listener: RequestListener) => Promise<string>;
}

export function useLoopback(): Loopback {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) {
      (server as { closeAllConnections?: () => void }).closeAllConnections?.();
      server.close();
    }
  });
  const listen = async (server: Server) => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  const serve = async (listener: RequestListener) =>
    `http://127.0.0.1:${await listen(createServer(listener))}`;
  return { listen, serve };
}

/** What a proxy does to what it passes on. */
export interface Meddling {
  path?: (path: string) => string;
  headers?: (headers: IncomingHttpHeaders) => IncomingHttpHeaders;
  /** Given the whole body: such a proxy collects a stream up to its end. */
  body?: (body: string) => string;
  /** Ends the connection at the first piece of a body. */
  cut?: boolean;
}

/** Passes a request on, and its answer back. */
export function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  to: string,
  { path = String, headers = (same) => same, body, cut }: Meddling = {},
): void {
  const { method, url = "/" } = request;
  // Bodies are to be read here.
  const plain = { ...request.headers, "accept-encoding": "identity" };
  const onward = httpRequest(`${to}${path(url)}`, { method, headers: plain }, (answer) => {
    const { "content-length": _length, ...rest } = answer.headers;
    response.writeHead(answer.statusCode!, headers(rest));
    if (cut) {
      answer.once("data", (piece: Buffer) => {
        response.end(piece);
        answer.destroy();
      });
      return;
    }
    if (!body) return void answer.pipe(response);
    let text = "";
    answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    answer.on("end", () => response.end(body(text)));
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}
