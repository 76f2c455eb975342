import { existsSync } from "node:fs";

import { ApiError, type PermissionRequest, type RequestResource } from "@claude-edge/client";
import { describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const local = useStack({ vars: { CLAUDE_EDGE_HOLD: "1s", CLAUDE_EDGE_CALLER_GRACE: "1s" } });

const BASH = '%tool Bash {"command":"echo approved > approved.txt; cat approved.txt"}\n%say It ran.';

const toolResults = (messages: { [key: string]: unknown }[]) =>
  JSON.stringify(messages.filter(({ type }) => type === "user"));

async function pending(account: string): Promise<RequestResource> {
  return until("a request", async () => (await local.client(account).requests.list())[0]);
}

describe("a permission", () => {
  it("is asked of onPermission, with what it is about", async () => {
    const edge = local.client("ask");
    const asked: PermissionRequest[] = [];
    const { text } = await edge.query(BASH, {
      permissionMode: "default",
      onPermission: (request) => {
        asked.push(request);
        return { behavior: "allow" };
      },
    });
    expect(text).toBe("It ran.");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ kind: "permission", toolName: "Bash" });
    const [request] = await edge.requests.list({ status: "any" });
    expect(request).toMatchObject({ status: "answered", answer: { behavior: "allow" } });
  });

  it("outlives its container: answered later over HTTP, it runs the tool; a second answer is refused", async () => {
    const edge = local.client("durable");
    const session = await edge.sessions.create({ permissionMode: "default", canUseTool: true });
    const turn = session.send(BASH);
    const outcome = turn.result();
    const request = await pending("durable");
    await until("waiting", async () => (await session.retrieve()).status === "waiting");
    expect((await session.retrieve()).status).toBe("waiting");
    for (const { name } of local.stack.containers()) await local.stack.killContainer(name);
    await local.stack.restartWorker();

    const path = `/v1/sessions/${session.id}/requests/${request.id}`;
    const answer = { answer: { behavior: "allow" }, by: "ada" };
    const first = await local.fetch(path, { json: answer, account: "durable" });
    expect(first.status).toBe(200);
    const second = await local.fetch(path, {
      json: { answer: { behavior: "deny" }, by: "bob" },
      account: "durable",
    });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({
      error: { code: "request_resolved", details: { status: "answered", answered_by: "ada" } },
    });

    expect((await outcome).text).toBe("It ran.");
    const messages = [];
    for await (const event of session.events()) {
      if (event.kind === "message") messages.push(event.message);
      if (event.kind === "turn" && event.status === "completed") break;
    }
    expect(toolResults(messages)).toContain("approved");
    expect(await edge.requests.retrieve(request.id)).toMatchObject({ answered_by: "ada" });
  });
});
