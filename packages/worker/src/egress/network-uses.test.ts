import type { Anthropic } from "@anthropic-ai/sdk";
import { describe, expect, test } from "vitest";

import type { NetworkRules } from "./network-policy.js";
import { networkUses, refusalOf } from "./network-uses.js";

const usesOf = (call: object) => {
  const { mcpServers, sources, webTools } = networkUses(call);
  return { mcp: mcpServers.map(String), sources: sources.map(String), webTools };
};

const NOTHING = { mcp: [], sources: [], webTools: [] };
const url = (of: string) => ({ type: "url", url: of });
const user = (...content: object[]) => ({ messages: [{ role: "user", content }] });

describe("what a call uses", () => {
  test("is its MCP servers", () => {
    const mcp_servers = [url("https://a.com/mcp"), url("https://b.com:8443/mcp")];
    expect(usesOf({ mcp_servers })).toEqual({
      ...NOTHING,
      mcp: ["https://a.com/mcp", "https://b.com:8443/mcp"],
    });
  });

  test("is every server tool that reaches the web or runs code", () => {
    // The type of each is one of the API's.
    const types: Anthropic.Messages.ToolUnion["type"][] = [
      "web_search_20260318",
      "web_fetch_20260318",
      "code_execution_20260521",
      "bash_20250124",
      "memory_20250818",
      undefined,
    ];
    const tools = types.map((type) => ({ type, name: "x" }));
    expect(usesOf({ tools }).webTools).toEqual(types.slice(0, 3));
    expect(usesOf({ tools: [{ name: "web_search", input_schema: {} }] })).toEqual(NOTHING);
  });

  test("is what a message defines, too", () => {
    const definition = { type: "web_fetch_20260318", name: "web_fetch" };
    const block = { type: "tool_addition", tool: { type: "tool_definition", definition } };
    expect(usesOf(user(block)).webTools).toEqual(["web_fetch_20260318"]);
  });

  test("is an image or a document by its URL, in a tool's result too", () => {
    const image = { type: "image", source: url("https://a.com/x.png") };
    const pdf = { type: "document", source: url("https://b.com/x.pdf") };
    const result = { type: "tool_result", tool_use_id: "x", content: [pdf] };
    expect(usesOf(user(image, result)).sources).toEqual([
      "https://a.com/x.png",
      "https://b.com/x.pdf",
    ]);
  });

  test("is not what the history, the values and the schemas of the client's tools hold", () => {
    const call = {
      tools: [{ name: "x", input_schema: { properties: { mcp_servers: url("https://a.com") } } }],
      ...user(
        { type: "tool_use", input: { mcp_servers: [url("https://a.com")], tools: [{}] } },
        { type: "web_search_tool_result", content: [{ ...url("https://a.com"), type: "x" }] },
        { type: "text", text: '{"mcp_servers": [{"url": "https://a.com"}]}' },
        { type: "image", source: { type: "base64", data: "" } },
        { type: "search_result", source: "https://a.com" },
      ),
    };
    expect(usesOf(call)).toEqual(NOTHING);
  });
});

test("a URL that two readers could take for two hosts is sent in its normal form", () => {
  const call = { mcp_servers: [url("https:\\\\a.com\\@b.com/x"), url("HTTPS://A.com:443")] };
  networkUses(call);
  expect(call.mcp_servers.map((server) => server.url)).toEqual([
    "https://a.com/@b.com/x",
    "https://a.com/",
  ]);
  for (const none of ["a.com/mcp", "https://", 1, ["https://a.com"]]) {
    expect(() => networkUses({ mcp_servers: [{ url: none }] })).toThrow("must be a URL");
  }
});

const rules = (policies: NetworkRules["policies"]): NetworkRules => ({
  policies,
  mcpHosts: [],
  grants: [],
});
const limited = (more: object = {}) =>
  ({ type: "limited", allowed_hosts: ["a.com"], ...more }) as const;
const mcp = (of: string) => networkUses({ mcp_servers: [url(of)] });
const image = (of: string) => networkUses(user({ type: "image", source: url(of) }));
const search = networkUses({ tools: [{ type: "web_search_20260318" }] });

describe("a refusal", () => {
  test("names the MCP server's host and the setting that allows it", () => {
    const deployment = rules({ deployment: limited() });
    expect(refusalOf(mcp("https://a.com/mcp"), deployment)).toBeUndefined();
    expect(refusalOf(mcp("https://b.com:8443/mcp"), deployment)).toMatchObject({
      code: "network_denied",
      message: expect.stringMatching(/b\.com:8443.*add "b\.com:8443" to allowed_hosts of CLAUDE_/),
      details: { host: "b.com:8443", policy: "deployment" },
    });
  });

  test("is for a server tool when a policy turns them off", () => {
    expect(refusalOf(search, rules({ deployment: limited() }))).toBeUndefined();
    const off = limited({ allow_web_tools: false });
    for (const level of ["deployment", "account", "session"] as const) {
      expect(refusalOf(search, rules({ [level]: off }))).toMatchObject({
        code: "network_denied",
        message: expect.stringMatching(/^web_search_20260318.*allow_web_tools/),
        details: { tool: "web_search_20260318", policy: level },
      });
    }
  });

  test("is for a source by URL when its host is not allowed either", () => {
    const off = rules({ deployment: limited({ allow_web_tools: false }) });
    expect(refusalOf(image("https://b.com/x"), rules({ deployment: limited() }))).toBeUndefined();
    expect(refusalOf(image("https://a.com/x"), off)).toBeUndefined();
    expect(refusalOf(image("https://b.com/x"), off)).toMatchObject({ details: { host: "b.com" } });
  });
});
