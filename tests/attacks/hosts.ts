import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as a host got it. */
export interface Asked {
  /** The name that leads to the host. */
  name: string;
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
}

/** Hosts on this machine, each the origin of one name. Nothing else that containers may reach has an address. */
export interface Hosts {
  asked: Asked[];
  /** Variables of the Worker that name them. */
  vars: Record<string, string>;
  origin(name: string): URL;
  /** Where the host that is the deployment leads. */
  lead(url: string): void;
  close(): void;
}

/** What the deployment allows; `shut.test` it does not. */
const ALLOWED = ["open.test", "other.test", "*.wide.test", "alice.test", "self.test"];
const NAMES = [
  "open.test",
  "other.test",
  "sub.wide.test",
  "alice.test",
  "alice-mcp.test",
  "ports.test",
  "self.test",
  "shut.test",
];

export async function startHosts(): Promise<Hosts> {
  const asked: Asked[] = [];
  const origins = new Map<string, URL>();
  let deployment = "";
  const servers = NAMES.map((name) =>
    createServer((request, response) => {
      const { method = "", url = "", headers } = request;
      asked.push({ name, method, url, headers });
      if (name === "self.test") {
        const target = { method, headers: { ...headers, host: new URL(deployment).host } };
        const onward = httpRequest(new URL("/health", deployment), target, (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        });
        onward.on("error", () => response.destroy());
        return void onward.end();
      }
      const location = /[?&]to=([^&]+)/.exec(url)?.[1];
      if (location)
        return void response.writeHead(302, { location: decodeURIComponent(location) }).end();
      request.resume().on("end", () => response.end(`REACHED ${name}\n`));
    }),
  );
  for (const [at, server] of servers.entries()) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    origins.set(NAMES[at]!, new URL(`http://127.0.0.1:${port}`));
  }
  const network = {
    type: "limited",
    allowed_hosts: [...ALLOWED, "ports.test:8443"],
    allow_mcp_servers: true,
  };
  return {
    asked,
    vars: {
      CLAUDE_EDGE_NETWORK: JSON.stringify(network),
      CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify(
        Object.fromEntries([...origins].map(([name, { origin }]) => [name, origin])),
      ),
    },
    origin: (name) => origins.get(name)!,
    lead: (url) => void (deployment = url),
    close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
