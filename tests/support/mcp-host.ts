import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import * as z from "zod";

/** A host on this machine with a remote MCP server and a small API, which want a token. */
export interface McpHost {
  origin: string;
  /** The credentials that came, of each request. */
  seen: string[];
  close(): void;
}

/**
 * - `/mcp`: an MCP server over HTTP with the tool `weather`
 * - `/v1/weather?city=`: the same as JSON
 */
export async function startMcpHost(token: string): Promise<McpHost> {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    const { authorization = "" } = request.headers;
    seen.push(authorization);
    if (authorization !== `Bearer ${token}`) return response.writeHead(401).end("No.\n");
    const url = new URL(request.url!, "http://host");
    if (url.pathname !== "/mcp") {
      return response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ weather: weatherIn(url.searchParams.get("city") ?? "") }));
    }
    // Without sessions: a server for each request.
    const mcp = new McpServer({ name: "weather", version: "1.0.0" });
    mcp.registerTool("weather", { inputSchema: { city: z.string() } }, ({ city }) => ({
      content: [{ type: "text", text: weatherIn(city) }],
    }));
    const transport = new StreamableHTTPServerTransport({});
    response.on("close", () => void mcp.close());
    await mcp.connect(transport as Parameters<typeof mcp.connect>[0]);
    await transport.handleRequest(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const weatherIn = (city: string) => `Sunny in ${city}.`;
