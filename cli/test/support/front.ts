import { createServer, request as send, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll } from "vitest";

/** A proxy before a deployment, whose answers a test can replace. */
export interface Front {
  url: string;
  /** Answers a request instead of the deployment when it gives true. */
  onRequest: (line: string, response: ServerResponse) => boolean;
}

export function useFront(target: () => string): Front {
  const front: Front = { url: "", onRequest: () => false };
  const server = createServer((request, response) => {
    if (front.onRequest(`${request.method} ${request.url}`, response)) {
      request.resume();
      return;
    }
    const { method, headers } = request;
    const onward = send(new URL(request.url!, target()), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  beforeAll(async () => {
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    front.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return front;
}
