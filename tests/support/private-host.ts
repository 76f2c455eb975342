import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { afterAll, beforeEach } from "vitest";

/** A request that came to a host. */
export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface PrivateHost {
  /** The value of `CLAUDE_EDGE_PRIVATE_HOSTS` that leads names to it. */
  named(...names: string[]): Record<string, string>;
  /** The requests of the test that runs. */
  seen: SeenRequest[];
}

/** Starts a host on this machine for the tests of a file. */
export async function usePrivateHost(
  answer: (request: SeenRequest, response: ServerResponse) => unknown,
): Promise<PrivateHost> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const asked = { method, url, headers, body: await text(request) };
    seen.push(asked);
    answer(asked, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => void server.close());
  beforeEach(() => void seen.splice(0));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { named: (...names) => Object.fromEntries(names.map((name) => [name, origin])), seen };
}
