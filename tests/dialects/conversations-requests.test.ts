import { randomUUID } from "node:crypto";

import { describe, expect, test } from "vitest";

import { bearer, conversationsClient } from "../support/conversations.js";
import { useDialects, wrongBodies } from "../support/dialects.js";

const edge = useDialects("query,claude-code,conversations");
const { call } = conversationsClient(edge);

describe("what cannot be asked", () => {
  const wrong = [
    ...wrongBodies("prompt"),
    ["no prompt", {}, 400, "invalid_request"] as const,
    ["a stream that is no boolean", { prompt: "x", stream: 1 }, 400, "invalid_request"] as const,
  ];
  test.each(wrong)("a message: %s", async (_what, body, status, code) => {
    const path = `/conversations/${randomUUID()}`;
    for (const below of ["/messages", "/stream"]) {
      expect(await call(path + below, body)).toMatchObject({ status, code });
    }
    expect(await call("/stream", body)).toMatchObject({ status, code });
  });

  test.each([
    [{ allowed_tools: "Read" }, "allowed_tools"],
    [{ allowed_tools: [""] }, "allowed_tools"],
    [{ permission_mode: "root" }, "permission_mode"],
    [{ max_turns: 0 }, "max_turns"],
    [{ model: "" }, "model"],
    [{ system_prompt: {} }, "system_prompt"],
    [{ cwd: "/etc" }, "cwd"],
    [{ accountId: "a/b" }, "accountId"],
  ])("a conversation: %j", async (body, field) => {
    const answer = await call("/conversations", body);
    expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
    expect(answer.detail).toContain(field);
    expect(await call("/stream", { prompt: "x", ...body })).toMatchObject({ status: 400 });
  });

  test("no JSON, another content type, pages that are none", async () => {
    const path = `${edge.stack.url}/conversations`;
    const headers = { ...bearer(edge.stack.token), "content-type": "application/json" };
    const broken = await fetch(path, { method: "POST", body: "{", headers });
    expect(await broken.json()).toMatchObject({ code: "invalid_json", detail: expect.any(String) });
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    const other = await fetch(path, { method: "POST", body: "a=b", headers: form });
    expect(other.status).toBe(415);
    for (const query of ["limit=0", "limit=1000", "limit=x", "cursor=%00"]) {
      expect(await call(`/conversations?${query}`)).toMatchObject({ code: "invalid_request" });
    }
  });

  test("no key", async () => {
    for (const path of ["/conversations", `/conversations/${randomUUID()}/messages`]) {
      const response = await fetch(`${edge.stack.url}${path}`);
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        detail: "The request carries no key.",
        code: "unauthorized",
        request_id: response.headers.get("x-request-id"),
      });
    }
  });
});
