import { describe, expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const PAGE = "https://app.example.com";

// How each is read: packages/worker/src/settings.test.ts, http/cors.test.ts and account/limits.test.ts there.
const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_CORS_ORIGINS: `${PAGE}/, http://localhost:5173`,
    CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "4",
    CLAUDE_EDGE_MAX_QUEUED_TURNS: "5",
    CLAUDE_EDGE_MAX_SESSIONS: "1",
    CLAUDE_EDGE_REQUESTS_PER_MINUTE: "600",
    CLAUDE_EDGE_TOKENS_PER_DAY: "1000000",
    CLAUDE_EDGE_DOLLARS_PER_DAY: "2.5",
  },
});

const allowed = (answer: Response) => answer.headers.get("access-control-allow-origin");

const message = {
  model: "claude-opus-5-5",
  max_tokens: 1000,
  messages: [{ role: "user", content: "%cache 100000\n%say Hi." }],
};

test("limits of the deployment hold for every account", async () => {
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
  const make = async (account: string) =>
    (await edge.fetch("/v1/sessions", { account, json: {} })).status;
  expect([await make("any"), await make("any")]).toEqual([201, 409]);
  expect(await make("next")).toBe(201);
});

describe("pages of other origins", () => {
  test("may ask from those that are named", async () => {
    const preflight = (origin: string) =>
      fetch(`${edge.stack.url}/v1/sessions`, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "PATCH",
          "access-control-request-headers": "authorization,last-event-id",
        },
      });
    for (const origin of [PAGE, "http://localhost:5173"]) {
      const answer = await preflight(origin);
      expect(answer.status).toBe(204);
      expect(allowed(answer)).toBe(origin);
      expect(answer.headers.get("access-control-allow-methods")).toContain("PATCH");
    }
    expect(allowed(await preflight(`${PAGE}.evil.com`))).toBeNull();
  });

  test("read streams and answers of the model", async () => {
    const account = "page";
    const headers = { origin: PAGE, accept: "text/event-stream" };
    const stream = await edge.fetch("/v1/query", {
      json: { prompt: "%say Read." },
      account,
      headers,
    });
    expect(allowed(stream)).toBe(PAGE);
    expect(await stream.text()).toContain("Read.");
    const answer = await edge.fetch("/v1/messages", {
      json: message,
      account,
      headers: { origin: PAGE },
    });
    expect(answer.status).toBe(200);
    expect(allowed(answer)).toBe(PAGE);
  });
});

test("an account's own limits, and what it has spent of them, outlast a restart", async () => {
  const account = "spender";
  const own = { dollars_per_day: 0.01 };
  await edge.fetch("/v1/limits", { method: "PATCH", account, json: own });
  const call = () => edge.fetch("/v1/messages", { account, json: message });
  expect((await call()).status).toBe(200);
  const report = async () => await edge.client(account).limits();
  const before = await until("it is counted", async () => {
    const found = await report();
    return found.used.dollars_today > 0.02 && found;
  });
  await edge.stack.restartWorker();
  expect(await report()).toEqual(before);
  expect((await call()).status).toBe(402);
});

describe("that cannot be read", () => {
  const broken = useOwnStack({ vars: { CLAUDE_EDGE_DOLLARS_PER_DAY: "banana" } });

  test("a budget that is no number lets nothing through, and says which it is", async () => {
    const answer = await broken.fetch("/v1/query", { json: { prompt: "%say Never." } });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      error: {
        code: "setting_invalid",
        message: expect.stringContaining("CLAUDE_EDGE_DOLLARS_PER_DAY"),
      },
    });
    expect((await broken.fetch("/v1/messages", { json: message })).status).toBe(503);
    expect(broken.stack.model!.requests).toEqual([]);
  });
});
