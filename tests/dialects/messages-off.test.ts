import { NotFoundError } from "@anthropic-ai/sdk";
import { expect, test } from "vitest";

import { anthropic, ask, failure } from "../support/anthropic.js";
import { useStack } from "../support/stack.js";

const edge = useStack({ vars: { CLAUDE_EDGE_DIALECTS: "" } });

test("a dialect that is off is no route at all", async () => {
  const client = anthropic(edge);
  for (const call of [
    () => client.messages.create(ask("%say Hi.")),
    () => client.messages.countTokens(ask("%say Hi.")),
    () => client.models.list(),
    () => client.models.retrieve("claude-haiku-4-5"),
  ]) {
    expect(await failure(call())).toBeInstanceOf(NotFoundError);
  }
  expect(edge.stack.model!.requests).toEqual([]);
  // The rest is there.
  expect((await edge.fetch("/v1/sessions")).status).toBe(200);
});
