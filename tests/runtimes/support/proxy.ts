import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

import { FAULTS, relay, type Call } from "./faults.ts";

/** In front of the deployment: serves pages from its origin, passes its API on unbuffered, and makes faults. */
export interface Proxy {
  url: string;
  /** Answers a path itself. */
  serve(path: string, listener: RequestListener): void;
  close(): void;
}

export async function startProxy(target: string): Promise<Proxy> {
  const pages = new Map<string, RequestListener>();
  /** How often a fault was made, by the path that asks for it. */
  const struck = new Map<string, number>();

  /** `/faults/{fault}/{id}` alone says how often it was made; the deployment's paths follow it. */
  function onFault(call: Omit<Call, "strike">, fault: string, prefix: string, path: string) {
    const times = () => struck.get(prefix) ?? 0;
    if (path === "") return call.response.end(String(times()));
    const strike = (most = 1) => {
      if (times() >= most) return false;
      struck.set(prefix, times() + 1);
      return true;
    };
    return FAULTS[fault]!({ ...call, strike });
  }

  const server = createServer((request, response) => {
    const url = request.url ?? "/";
    const page = pages.get(url);
    if (page) return page(request, response);
    const [, prefix = "", fault = "", path = url] =
      /^(\/faults\/(\w+)\/[\w-]+)(.*)$/.exec(url) ?? [];
    const pass: Call["pass"] = (to) => forward(`${target}${path}`, request, response, to);
    if (Object.hasOwn(FAULTS, fault)) {
      onFault({ request, response, pass }, fault, prefix, path);
    } else if (/^\/(v1\/|health$)/.test(url)) {
      pass(relay);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (path, listener) => void pages.set(path, listener),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Either side that leaves is told to the other. */
function forward(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
  to: Parameters<Call["pass"]>[0],
): void {
  const { method, headers } = request;
  const asked = httpRequest(url, { method, headers, agent: false }, (answer) => {
    to(answer, response).catch(() => response.destroy());
  });
  asked.on("error", () => response.destroy());
  response.on("close", () => asked.destroy());
  request.pipe(asked);
}
