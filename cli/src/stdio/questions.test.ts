import { expect, test } from "vitest";

import { Questions } from "./questions.js";
import { RemoteServer } from "./remote-server.js";

interface Sent {
  type: string;
  request_id: string;
  request?: { subtype: string; message?: unknown };
}

function asking() {
  const sent: Sent[] = [];
  const questions = new Questions((frame) => void sent.push(frame as Sent));
  const answer = (response: Record<string, unknown>, at = sent.length - 1) =>
    questions.settle({
      type: "control_response",
      response: { request_id: sent[at]!.request_id, ...response } as never,
    });
  return { sent, questions, answer };
}

const BODY = { subtype: "hook_callback" };

test("a question has the program's answer, and only the first counts", async () => {
  const { questions, answer, sent } = asking();
  const asked = questions.ask(BODY);
  answer({ subtype: "success", response: { ok: 1 } });
  answer({ subtype: "success", response: { ok: 2 } });
  expect(await asked).toEqual({ ok: 1 });
  const failing = questions.ask(BODY);
  answer({ subtype: "error", error: "it threw" });
  await expect(failing).rejects.toThrow("it threw");
  expect(sent).toHaveLength(2);
});

test("a question that is void is cancelled once, and a late answer does no harm", async () => {
  const { questions, answer, sent } = asking();
  const controller = new AbortController();
  const asked = questions.ask(BODY, controller.signal);
  controller.abort(new Error("answered elsewhere"));
  await expect(asked).rejects.toThrow("answered elsewhere");
  expect(sent[1]).toEqual({ type: "control_cancel_request", request_id: sent[0]!.request_id });
  answer({ subtype: "success", response: {} }, 0);
});

test("an answered question is not cancelled any more", async () => {
  const { questions, answer, sent } = asking();
  const controller = new AbortController();
  const asked = questions.ask(BODY, controller.signal);
  answer({ subtype: "success" });
  expect(await asked).toEqual({});
  controller.abort();
  expect(sent).toHaveLength(1);
});

test("at the end of input open questions fail, and later ones are not sent", async () => {
  const { questions, sent } = asking();
  const asked = questions.ask(BODY);
  questions.close();
  await expect(asked).rejects.toThrow("Stream closed");
  await expect(questions.ask(BODY)).rejects.toThrow("Stream closed");
  expect(sent).toHaveLength(1);
});

test("a server in the program answers requests, hears notifications, and fails as a server does", async () => {
  const { questions, answer, sent } = asking();
  const server = new RemoteServer("calc", questions);
  const got: unknown[] = [];
  const transport = { send: async (message: unknown) => void got.push(message) } as {
    send: (message: unknown) => Promise<void>;
    onmessage?: (message: unknown) => void;
  };
  await server.connect(transport as never);
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  transport.onmessage!({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  const response = { jsonrpc: "2.0", id: 1, result: { tools: [] } };
  answer({ subtype: "success", response: { mcp_response: response } });
  transport.onmessage!({ jsonrpc: "2.0", method: "notifications/initialized" });
  answer({ subtype: "success", response: { mcp_response: { id: 0 } } });
  transport.onmessage!({ jsonrpc: "2.0", id: 2, method: "tools/list" });
  answer({ subtype: "error", error: "SDK MCP server not found: calc" });
  await settled();
  await server.deliver({ jsonrpc: "2.0", method: "notifications/progress" });
  expect(sent.map(({ request }) => request!.subtype)).toEqual(Array(3).fill("mcp_message"));
  expect(got).toEqual([
    response,
    { jsonrpc: "2.0", id: 2, error: { code: -32_603, message: "SDK MCP server not found: calc" } },
    { jsonrpc: "2.0", method: "notifications/progress" },
  ]);
});
