import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { outcome, UNAUTHORIZED } from "../support/tokens.js";

const edge = useStack();

describe("what wrangler brings for a developer", () => {
  // Served on a port of a machine in the net, it would be a way around every key.
  test.each([
    "/cdn-cgi/explorer",
    "/cdn-cgi/explorer/api/workers/durable_objects/namespaces",
    "/cdn-cgi/local/explorer",
    "/cdn-cgi/local/explorer/api",
    "/cdn-cgi/local/explorer/api/workers/durable_objects/namespaces",
    "/cdn-cgi/local/explorer/api/local/observability/query",
  ])("%s does not open what accounts keep", async (path) => {
    expect(await outcome(await fetch(`${edge.stack.url}${path}`))).toMatchObject(UNAUTHORIZED);
  });
});
