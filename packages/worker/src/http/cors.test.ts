import { describe, expect, test } from "vitest";

import { ask } from "../../test/support/ask.js";

const PAGE = "https://app.example.com";
const LOCAL = "http://localhost:5173";
const CONFIGURED = { CLAUDE_EDGE_CORS_ORIGINS: ` ${PAGE}/, ${LOCAL}` };

const preflight = (origin: string, env: object, method = "POST") =>
  ask(
    "/v1/sessions",
    {
      method: "OPTIONS",
      headers: {
        authorization: "none",
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,last-event-id,x-stainless-os",
      },
    },
    env,
  );

const allowed = ({ headers }: { headers: Headers }) => headers.get("access-control-allow-origin");
const get = (origin: string, env: object) => ask("/v1/sessions", { headers: { origin } }, env);

describe.each([{}, { CLAUDE_EDGE_CORS_ORIGINS: "" }, { CLAUDE_EDGE_CORS_ORIGINS: " , " }])(
  "with %j",
  (env) => {
    test("no page may ask", async () => {
      const answer = await preflight(PAGE, env);
      expect(answer.status).toBe(401);
      expect(allowed(answer)).toBeNull();
      expect(allowed(await get(PAGE, env))).toBeNull();
    });
  },
);

describe("with some origins", () => {
  test.each([PAGE, LOCAL])("%s may ask", async (origin) => {
    const { status, headers } = await preflight(origin, CONFIGURED, "PATCH");
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe(origin);
    expect(headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(headers.get("access-control-allow-headers")).toContain("last-event-id");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(headers.get("vary")).toMatch(/origin/i);
    const got = await get(origin, CONFIGURED);
    expect(allowed(got)).toBe(origin);
    expect(got.headers.get("access-control-expose-headers")).toContain("x-request-id");
  });

  test("a page learns why it was refused", async () => {
    const headers = { authorization: "none", origin: PAGE };
    const refused = await ask("/v1/sessions", { headers }, CONFIGURED);
    expect(refused.status).toBe(401);
    expect(allowed(refused)).toBe(PAGE);
    const missing = await ask("/v1/nothing", { headers: { origin: PAGE } }, CONFIGURED);
    expect(missing.status).toBe(404);
    expect(allowed(missing)).toBe(PAGE);
  });

  test.each([`${PAGE}.evil.com`, "https://evil.com", "null", "http://app.example.com", `${PAGE}/`])(
    "%s may not",
    async (origin) => {
      expect(allowed(await preflight(origin, CONFIGURED))).toBeNull();
      expect(allowed(await get(origin, CONFIGURED))).toBeNull();
    },
  );

  test("an array of wrangler.jsonc is a list as well, and a star every page", async () => {
    expect(allowed(await get(LOCAL, { CLAUDE_EDGE_CORS_ORIGINS: [PAGE, LOCAL] }))).toBe(LOCAL);
    expect(allowed(await get("null", { CLAUDE_EDGE_CORS_ORIGINS: "*" }))).toBe("*");
  });
});
