import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { ClaudeEdgeError } from "@claude-edge/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "session-options";

const edge = useStack();

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: ClaudeEdgeError) => error.code,
  );
}

describe("credentials in a session's options", () => {
  const seen: unknown[] = [];
  const server = createServer(({ url, headers }, response) => {
    seen.push(`${url} ${headers.authorization}`);
    response.writeHead(404).end();
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => void server.close());

  it("reach the agent, and nobody is shown them again", async () => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const web = {
      type: "http",
      url: `${origin}/marked-path?key=marked-query`,
      headers: { authorization: "Bearer marked-header" },
    };
    const env = { KEY: "marked-variable" };
    const tool = { type: "stdio", command: "false", args: ["marked-argument"], env };
    const call = async (path: string, method: string, json?: object) => {
      const answer = await edge.fetch(path, { method, account: ACCOUNT, ...(json && { json }) });
      return { status: answer.status, text: await answer.text() };
    };
    const options = { mcpServers: { web, tool } };
    const made = await call("/v1/sessions", "POST", { options });
    const { id } = JSON.parse(made.text) as { id: string };
    const session = edge.client(ACCOUNT).sessions.open(id);
    await session.send("%say One.");
    const expected = "/marked-path?key=marked-query Bearer marked-header";
    await until("the server is asked", () => seen.includes(expected));

    const read = (await session.retrieve()).options;
    expect(read.mcpServers).toEqual({
      web: { type: "http", url: `${origin}/***`, headers: { authorization: "***" } },
      tool: { type: "stdio", command: "false", args: ["***"], env: { KEY: "***" } },
    });
    // A caller that changes one thing sends the rest as it was read.
    const changed = { options: { ...read, disallowedTools: ["Bash"] } };
    const patched = await call(`/v1/sessions/${id}`, "PATCH", changed);
    expect(patched.status).toBe(200);
    const forked = await call(`/v1/sessions/${id}/fork`, "POST", {});
    seen.length = 0;
    const fork = edge.client(ACCOUNT).sessions.open(JSON.parse(forked.text).id as string);
    await fork.send("%say Two.");
    await until("the server is asked for the fork", () => seen.includes(expected));

    const elsewhere = {
      mcpServers: { web: { ...read.mcpServers!.web, url: "http://127.0.0.1:9/" } },
    };
    const refused = await call(`/v1/sessions/${id}`, "PATCH", { options: elsewhere });
    expect(refused).toMatchObject({
      status: 400,
      text: expect.stringContaining("invalid_request"),
    });
    const shown = [made, patched, forked, refused, await call("/v1/sessions", "GET")];
    for (const method of ["mcpServerStatus", "reloadPlugins", "initializationResult"]) {
      shown.push(await call(`/v1/sessions/${fork.id}/control`, "POST", { method }));
    }
    shown.push(await call(`/v1/sessions/${fork.id}/events`, "GET"));
    const again = { method: "setMcpServers", args: [read.mcpServers] };
    shown.push(await call(`/v1/sessions/${fork.id}/control`, "POST", again));
    expect(shown.map(({ status }) => status)).toEqual([201, 200, 201, 400, ...Array(6).fill(200)]);
    expect(shown.filter(({ text }) => text.includes("marked"))).toEqual([]);
  });
});

describe("the permission mode", () => {
  it("is the one in effect, by whichever way it was changed", async () => {
    const canUseTool: Options["canUseTool"] = async (_tool, updatedInput) => ({
      behavior: "allow",
      updatedInput,
    });
    const session = await edge.client(ACCOUNT).sessions.create({ canUseTool });
    const mode = async () => (await session.retrieve()).options.permissionMode;
    await session.send("%tool EnterPlanMode {}\n%say Planning.");
    expect(await mode()).toBe("plan");
    await session.control("setPermissionMode", ["acceptEdits"]);
    expect(await mode()).toBe("acceptEdits");
    // What was refused changes nothing.
    expect(await codeOf(session.control("setPermissionMode", ["bypassPermissions"]))).toBe(
      "control_failed",
    );
    await session.send("%say One.");
    expect(await mode()).toBe("acceptEdits");
    await session.update({ options: { permissionMode: "default", canUseTool } });
    await session.send("%tool EnterPlanMode {}\n%say Planning.");
    expect(await mode()).toBe("plan");
  });
});
