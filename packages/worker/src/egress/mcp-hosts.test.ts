import { expect, test } from "vitest";

import { mcpHosts } from "./mcp-hosts.js";

test("the hosts of remote MCP servers, each once", () => {
  const hosts = mcpHosts({
    mcpServers: {
      docs: { type: "http", url: "https://mcp.example/v1" },
      old: { type: "sse", url: "http://mcp.example:8080/sse" },
      same: { type: "http", url: "https://MCP.example./v2" },
      files: { command: "npx" },
      broken: { type: "http", url: "no" },
    },
    agents: {
      helper: { mcpServers: ["docs", { own: { type: "http", url: "https://own.example/***" } }] },
      plain: {},
    },
  });
  expect(hosts).toEqual(["mcp.example", "mcp.example:8080", "own.example"]);
});
