import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const PAGE = "https://app.example.com";

const ask = (
  { stack }: ReturnType<typeof useStack>,
  init: RequestInit & { headers: Record<string, string> },
  path = "/v1/sessions",
) => fetch(`${stack.url}${path}`, init);

const preflight = (origin: string, method = "POST") => ({
  method: "OPTIONS",
  headers: {
    origin,
    "access-control-request-method": method,
    "access-control-request-headers": "authorization,content-type,last-event-id,x-stainless-os",
  },
});

const allowed = (answer: Response) => answer.headers.get("access-control-allow-origin");

describe("unless configured", () => {
  const edge = useStack();

  test("no page may ask", async () => {
    const answer = await ask(edge, preflight(PAGE));
    expect(answer.status).toBe(401);
    expect(allowed(answer)).toBeNull();
    const got = await edge.fetch("/v1/sessions", { headers: { origin: PAGE } });
    expect(got.status).toBe(200);
    expect(allowed(got)).toBeNull();
  });
});

describe("for the pages of some origins", () => {
  const edge = useStack({
    vars: { CLAUDE_EDGE_CORS_ORIGINS: `${PAGE}/, http://localhost:5173` },
  });

  test.each([PAGE, "http://localhost:5173"])("%s may ask", async (origin) => {
    const answer = await ask(edge, preflight(origin, "PATCH"));
    expect(answer.status).toBe(204);
    expect(allowed(answer)).toBe(origin);
    expect(answer.headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(answer.headers.get("access-control-allow-headers")).toContain("last-event-id");
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    expect(answer.headers.get("vary")).toMatch(/origin/i);
    const got = await edge.fetch("/v1/sessions", { headers: { origin } });
    expect(allowed(got)).toBe(origin);
    expect(got.headers.get("access-control-expose-headers")).toContain("x-request-id");
  });

  test("a page learns why it was refused, and a stream can be read", async () => {
    const refused = await ask(edge, { headers: { origin: PAGE } });
    expect(refused.status).toBe(401);
    expect(allowed(refused)).toBe(PAGE);
    const stream = await edge.fetch("/v1/query", {
      json: { prompt: "%say Read." },
      headers: { origin: PAGE, accept: "text/event-stream" },
    });
    expect(allowed(stream)).toBe(PAGE);
    expect(await stream.text()).toContain("Read.");
    const messages = await edge.fetch("/v1/messages", {
      json: {
        model: "claude-opus-5-5",
        max_tokens: 10,
        messages: [{ role: "user", content: "%say Hi." }],
      },
      headers: { origin: PAGE },
    });
    expect(messages.status).toBe(200);
    expect(allowed(messages)).toBe(PAGE);
  });

  test.each([
    "https://app.example.com.evil.com",
    "https://evil.com",
    "null",
    "http://app.example.com",
  ])("%s may not", async (origin) => {
    expect(allowed(await ask(edge, preflight(origin)))).toBeNull();
    expect(allowed(await edge.fetch("/v1/sessions", { headers: { origin } }))).toBeNull();
  });
});

describe("settings that cannot be read", () => {
  const edge = useStack({ vars: { CLAUDE_EDGE_DOLLARS_PER_DAY: "banana" } });

  test("a budget that is no number lets nothing through, and says which it is", async () => {
    const answer = await edge.fetch("/v1/query", { json: { prompt: "%say Never." } });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      error: {
        code: "setting_invalid",
        message: expect.stringContaining("CLAUDE_EDGE_DOLLARS_PER_DAY"),
      },
    });
    const messages = await edge.fetch("/v1/messages", { json: { model: "m", messages: [] } });
    expect(messages.status).toBe(503);
    expect(edge.stack.model!.requests).toEqual([]);
  });
});

describe("a dialect that is none", () => {
  const edge = useStack({ vars: { CLAUDE_EDGE_DIALECTS: "studio, mesages" } });

  test("is named where one is asked for; the rest of the API goes on", async () => {
    const answer = await edge.fetch("/v1/messages", { json: {} });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      error: {
        code: "setting_invalid",
        message: expect.stringMatching(/"mesages"; there are messages,/),
      },
    });
    expect((await edge.fetch("/v1/sessions")).status).toBe(200);
  });
});

describe("limits of the deployment", () => {
  const edge = useStack({
    vars: {
      CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "4",
      CLAUDE_EDGE_MAX_QUEUED_TURNS: "5",
      CLAUDE_EDGE_MAX_SESSIONS: "1",
      CLAUDE_EDGE_REQUESTS_PER_MINUTE: "600",
      CLAUDE_EDGE_TOKENS_PER_DAY: "1000000",
      CLAUDE_EDGE_DOLLARS_PER_DAY: "2.5",
    },
  });

  test("hold for every account", async () => {
    const answer = await edge.fetch("/v1/limits", { account: "any" });
    expect(await answer.json()).toMatchObject({
      limits: {
        max_concurrent_turns: 4,
        max_queued_turns: 5,
        max_sessions: 1,
        requests_per_minute: 600,
        tokens_per_day: 1_000_000,
        dollars_per_day: 2.5,
      },
      own: [],
    });
    const make = () => edge.fetch("/v1/sessions", { account: "any", json: {} });
    expect((await make()).status).toBe(201);
    expect((await make()).status).toBe(409);
    expect((await edge.fetch("/v1/sessions", { account: "next", json: {} })).status).toBe(201);
  });
});
