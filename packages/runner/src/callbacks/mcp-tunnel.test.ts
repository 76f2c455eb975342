import { setImmediate } from "node:timers/promises";

import type { CallbackAnswer, JsonRpcMessage } from "@claude-edge/protocol";
import type { RequestFrame } from "@claude-edge/protocol/runner";
import { expect, test } from "vitest";

import { EventLog } from "../log/event-log.js";
import { McpTunnel, type Transport } from "./mcp-tunnel.js";
import { Requests } from "./requests.js";

/** A tunnel that the Agent SDK has connected to, and what it was sent through it. */
async function connected() {
  const log = new EventLog("boot", 1_000_000);
  const requests = new Requests({ id: "s", lastTurn: "t" }, log, () => {});
  const tunnel = new McpTunnel("kit", requests);
  const sent: JsonRpcMessage[] = [];
  const transport: Transport = { send: async (message) => void sent.push(message) };
  await tunnel.connect(transport);
  const ask = async (message: JsonRpcMessage, answer: CallbackAnswer) => {
    const { cursor } = log.head;
    transport.onmessage!(message);
    await setImmediate();
    const { request } = JSON.parse(log.read(cursor).text) as RequestFrame;
    requests.answer(request.id, answer);
    await setImmediate();
    return request;
  };
  return { tunnel, sent, ask };
}

const CALL = { jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: "greet" } } as const;

test("a message for the caller's server is a request; its response is sent back as it is", async () => {
  const { sent, ask } = await connected();
  const response = { jsonrpc: "2.0", id: 7, result: { content: [] } } as const;
  expect(await ask(CALL, { answer: { message: response } })).toMatchObject({
    kind: "mcp",
    payload: { server: "kit", message: CALL },
  });
  expect(sent).toEqual([response]);
});

test("a call whose caller is gone, or whose server is silent, fails with the reason", async () => {
  const { sent, ask } = await connected();
  await ask(CALL, { error: { code: "caller_gone", message: "gone" } });
  await ask(CALL, { answer: {} });
  expect(sent).toMatchObject([
    { id: 7, error: { message: "gone" } },
    { id: 7, error: { message: "The MCP server gave no response." } },
  ]);
});

test("notifications and responses want no answer", async () => {
  const { sent, ask } = await connected();
  await ask({ jsonrpc: "2.0", method: "notifications/initialized" }, { answer: {} });
  await ask({ jsonrpc: "2.0", id: 1, result: {} }, { answer: {} });
  expect(sent).toEqual([]);
});

test("what the server says by itself is passed on, until the agent has closed", async () => {
  const { tunnel, sent } = await connected();
  const note = { jsonrpc: "2.0", method: "notifications/progress" } as const;
  await tunnel.deliver(note);
  await tunnel.close();
  await tunnel.deliver(note);
  expect(sent).toEqual([note]);
});
