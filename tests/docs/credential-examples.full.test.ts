/** The examples with credentials of other services, against a service on this machine. */
import { mintToken } from "@claude-edge/client/tokens";
import { afterAll, expect, test } from "vitest";

import { startMcpHost } from "../support/mcp-host.js";
import { useOwnStack } from "../support/stack.js";
import { runNode } from "./run.js";

const TOKEN = "weather_the-token-of-the-examples";
const host = await startMcpHost(TOKEN);
afterAll(() => host.close());

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({
      type: "limited",
      allowed_hosts: ["api.test"],
      allow_mcp_servers: true,
    }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify({ "api.test": host.origin, "mcp.test": host.origin }),
  },
});

async function run(example: string, variables: Record<string, string>) {
  const { url, token: rootKey } = edge.stack;
  const token = await mintToken({ rootKey, account: "examples" });
  const env = { CLAUDE_EDGE_URL: url, CLAUDE_EDGE_TOKEN: token, ...variables };
  const ran = await runNode([`examples/${example}`], { env });
  expect(ran).toEqual({ code: 0, printed: ran.printed });
  expect(ran.printed).not.toContain(TOKEN);
  return ran.printed;
}

test("a remote MCP server", async () => {
  const env = { MCP_URL: "https://mcp.test/mcp", MCP_TOKEN: TOKEN };
  expect(await run("remote-mcp.ts", env)).toMatch(
    /^\[\{"name":"weather","status":"connected".*\nDone\.\n$/,
  );
  expect(new Set(host.seen)).toEqual(new Set([`Bearer ${TOKEN}`]));
});

test("a third-party API", async () => {
  const env = { API_URL: "https://api.test", API_KEY: TOKEN };
  expect(await run("third-party-api.ts", env)).toBe("Done.\n");
});

test("a server whose host is denied is told as failed", async () => {
  const servers: unknown[] = [];
  const mcpServers = { away: { type: "http", url: "https://10.0.0.1/mcp" } } as const;
  for await (const event of edge.client("away").query("%say Hello.", { mcpServers })) {
    if (event.kind === "message" && event.message.subtype === "init") {
      servers.push(event.message.mcp_servers);
    }
  }
  expect(servers).toMatchObject([[{ name: "away", status: "failed" }]]);
});
