import { ClaudeEdge } from "@claude-edge/client";
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { askHello, waitForHealth } from "../src/deploy/probe.js";
import { useDeployments } from "./support/deployments.js";
import { contextOf, Output } from "./support/world.js";

const { edge, front } = useDeployments("deploy");

describe("what a deployment says while it is being set up", () => {
  /** Of a deployment's answer. */
  const headers = {
    "content-type": "application/json",
    [PROTOCOL_HEADER]: String(PROTOCOL_VERSION),
  };
  const answered = (status: number, error: { code: string; message: string; retryable: boolean }) =>
    [status, headers, JSON.stringify({ type: "error", error, request_id: "r" })] as const;
  /** Answers the first of such requests in the deployment's place. */
  const first = (line: string, [status, head, body]: readonly [number, object, string]) => {
    let count = 0;
    front.onRequest = (asked, response) => {
      if (asked !== line || (count += 1) > 1) return false;
      response.writeHead(status, { ...head }).end(body);
      return true;
    };
    return () => count;
  };
  const look = () => {
    const stderr = new Output();
    const account = "deploy";
    const { token } = edge.stack;
    return {
      stderr,
      context: contextOf({ stderr }),
      client: new ClaudeEdge({ baseURL: front.url, token, account, maxRetries: 0 }),
    };
  };

  test("no page, or an old version, is not taken for the new one", async () => {
    const { stderr, context } = look();
    const html = { "content-type": "text/html" };
    const asked = first("GET /health", [404, html, "<h1>There is nothing here yet"]);
    await waitForHealth(front.url, "0.1.0", context);
    expect(stderr.text).toContain("does not answer yet");
    expect(asked()).toBe(2);
    const old = JSON.stringify({ status: "ok", version: "0.0.9", protocol: PROTOCOL_VERSION });
    const again = first("GET /health", [200, headers, old]);
    await waitForHealth(front.url, "0.1.0", context);
    expect(stderr.text).toContain("0.0.9");
    expect(again()).toBe(2);
  });

  test("no container yet is waited for; a question leaves no session behind", async () => {
    const { stderr, context, client } = look();
    const error = { code: "container_unavailable", message: "No instance yet.", retryable: true };
    const asked = first("POST /v1/query", answered(503, error));
    expect(await askHello(client, context)).toEqual(expect.any(String));
    expect(stderr.text).toContain("No instance yet.");
    expect(asked()).toBe(2);
    expect(await (await edge.fetch("/v1/sessions", { account: "deploy" })).json()).toEqual({
      sessions: [],
    });
  });

  test("a wrong answer is an error at once", async () => {
    const { context, client } = look();
    const error = { code: "model_auth_failed", message: "No such key.", retryable: false };
    const asked = first("POST /v1/query", answered(502, error));
    await expect(askHello(client, context)).rejects.toMatchObject({
      code: "model_auth_failed",
      message: "No such key.",
    });
    expect(asked()).toBe(1);
  });
});
