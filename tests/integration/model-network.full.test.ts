/** What the model's API reaches for an account: its MCP servers, tools and sources obey the network policy. */
import type { EdgeEvent, QueryOptions } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({ type: "limited", allowed_hosts: ["*.mcp.test"] }),
  },
});

const MESSAGE = {
  model: "claude-opus-5-5",
  max_tokens: 8,
  messages: [{ role: "user", content: "%say Hi" }],
};
const SEARCH = { tools: [{ type: "web_search_20260318", name: "web_search" }] };
const servers = (...urls: string[]) => ({
  mcp_servers: urls.map((url, at) => ({ type: "url", name: `s${at}`, url })),
});

async function ask(account: string, more: object) {
  const json = { ...MESSAGE, metadata: { user_id: account }, ...more };
  const answer = await edge.fetch("/v1/messages", { account, json });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function run(account: string, tool: string, input: object, more: QueryOptions = {}) {
  const prompt = `%tool ${tool} ${JSON.stringify(input)}\n%say Done.`;
  const events: EdgeEvent[] = [];
  for await (const event of edge.client(account).query(prompt, { allowedTools: [tool], ...more })) {
    events.push(event);
  }
  expect(events.at(-1)).toMatchObject({ status: "completed" });
  const results = events.flatMap((event) => {
    if (event.kind !== "message" || event.message.type !== "user") return [];
    return JSON.stringify(event.message.message);
  });
  return results.join("\n");
}

describe("a client of the Messages API", () => {
  test("has the model reach MCP servers that the policy allows", async () => {
    const wanted = servers("https://a.mcp.test/x");
    expect(await ask("open", wanted)).toMatchObject({ status: 200 });
    expect((await edge.asked("a.mcp.test"))[0]!.body).toMatchObject({ ...MESSAGE, ...wanted });
  });

  test("is refused others, with what allows them, and it costs nothing", async () => {
    const { status, body } = await ask("shut", servers("https://a.mcp.test/", "https://b.test/"));
    expect(status).toBe(403);
    expect(body).toMatchObject({
      type: "error",
      error: {
        type: "permission_error",
        code: "network_denied",
        message: expect.stringContaining('add "b.test" to allowed_hosts of CLAUDE_EDGE_NETWORK'),
        details: { error_code: "network_denied", host: "b.test", policy: "deployment" },
      },
    });
    expect(await edge.asked("b.test")).toEqual([]);
    const usage = await edge.fetch("/v1/usage", { account: "shut" });
    expect(JSON.stringify(await usage.json())).not.toContain("claude-opus-5-5");
  });

  test("has web tools unless the account's policy turns them off", async () => {
    expect(await ask("web", SEARCH)).toMatchObject({ status: 200 });
    const policy = { type: "limited", allowed_hosts: ["a.mcp.test"], allow_web_tools: false };
    const put = await edge.fetch("/v1/network", {
      method: "PUT",
      account: "web",
      json: { policy },
    });
    expect(put.status).toBe(200);
    // Rules are kept for five seconds.
    await expect
      .poll(async () => (await ask("web", SEARCH)).body, { timeout: 10_000, interval: 500 })
      .toMatchObject({
        error: { code: "network_denied", message: expect.stringContaining("allow_web_tools") },
      });
    expect(await ask("open", SEARCH)).toMatchObject({ status: 200 });
  });
});

describe("a container", () => {
  const network = { type: "limited", allow_web_tools: false } as const;

  test("gets no more from the model than its session's policy allows", async () => {
    const curl = (more: object) =>
      `curl -sS -m 20 -H 'content-type: application/json' -d '${JSON.stringify({ ...MESSAGE, ...more })}' http://model.claude-edge.internal/v1/messages`;
    const command = [curl(servers("https://a.mcp.test/")), curl(SEARCH), curl({})].join("; echo; ");
    const [mcp, search, plain] = (await run("agent", "Bash", { command }, { network })).split(
      String.raw`\n`,
    );
    expect(mcp).toContain("options.network");
    expect(search).toContain("web_search_20260318, a tool of the model's API, is off");
    expect(plain).toContain("end_turn");
  });

  test("reads in its tool's result why there is no web search", async () => {
    const said = await run("search", "WebSearch", { query: "weather" }, { network });
    expect(said).toContain("allow_web_tools of options.network");
  });
});
