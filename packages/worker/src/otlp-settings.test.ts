import { describe, expect, test } from "vitest";

import { ask, REACHED } from "../test/support/ask.js";
import type { Env } from "./env.js";
import { collectorOf, readCollector } from "./otlp-settings.js";

const env = (endpoint: string, headers?: string) =>
  ({
    CLAUDE_EDGE_OTLP_ENDPOINT: endpoint,
    ...(headers === undefined ? {} : { CLAUDE_EDGE_OTLP_HEADERS: headers }),
  }) as Env;

describe("the collector", () => {
  test("is its endpoint without a slash at its end, with headers as OpenTelemetry has them", () => {
    expect(collectorOf(env(""))).toBeUndefined();
    const given = env(
      " http://10.0.0.5:4318/otlp/ ",
      "authorization=Bearer%20a%2Cb%3D, x-team = edge,",
    );
    expect(collectorOf(given)).toEqual({
      endpoint: "http://10.0.0.5:4318/otlp",
      headers: [
        ["authorization", "Bearer a,b="],
        ["x-team", "edge"],
      ],
    });
  });

  test.each([
    ["no URL", "collector:4318"],
    ["another scheme", "grpc://collector:4317"],
    ["credentials in it", "https://user:word@example.com"],
    ["a query", "https://example.com/?key=word"],
    ["headers without a name", "https://example.com", "=secret"],
    ["headers without a value", "https://example.com", "authorization"],
    ["headers that are not encoded right", "https://example.com", "a=%zz"],
    ["headers with a line break", "https://example.com", "a=b%0d%0ac:d"],
  ])(
    "with %s is told to callers, and nothing is sent",
    async (_name, endpoint, headers?: string) => {
      const given = env(endpoint, headers);
      expect(readCollector(given)).toBeUndefined();
      const answer = await ask("/v1/sessions", {}, given);
      expect(answer).toMatchObject({ code: "setting_invalid" });
      expect(answer.message).not.toContain("=secret");
      expect(await ask("/v1/sessions", {}, env("https://example.com"))).toMatchObject(REACHED);
    },
  );
});
