import { expect, test } from "vitest";

import { anthropic, ask } from "../support/anthropic.js";
import { useCredential } from "../support/credential.js";

const vars = { CLAUDE_EDGE_ISOLATION: "session" };
const edge = useCredential("CLAUDE_CODE_OAUTH_TOKEN", { vars });

test("where each session has a container, requests of the Messages API share one", async () => {
  const client = anthropic(edge);
  for (const text of ["One.", "Two."]) {
    const { content } = await client.messages.create(ask(`%say ${text}`));
    expect(content).toMatchObject([{ text }]);
  }
  expect(edge.stack.containers()).toHaveLength(1);
});
