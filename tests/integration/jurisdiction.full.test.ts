import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startLocal, type LocalStack } from "@claude-edge/local";
import { ClaudeEdge } from "@claude-edge/client";
import { afterAll, expect, test } from "vitest";

import { TEMPLATE } from "../support/project.js";

const persist = mkdtempSync(join(tmpdir(), "jurisdiction-"));
afterAll(() => rmSync(persist, { recursive: true, force: true }));

/** Runs the deployment with a jurisdiction; workerd has none, and the Worker does without. */
async function under<Value>(
  jurisdiction: string,
  work: (edge: (account: string) => ClaudeEdge) => Promise<Value>,
): Promise<Value> {
  const stack: LocalStack = await startLocal({
    project: TEMPLATE,
    model: "scripted",
    persist,
    containerEnv: { CLAUDE_EDGE_SPARES: "0" },
    vars: { CLAUDE_EDGE_JURISDICTION: jurisdiction },
  });
  const { url: baseURL, token } = stack;
  try {
    return await work((account) => new ClaudeEdge({ baseURL, token, account, maxRetries: 0 }));
  } finally {
    await stack.stop();
  }
}

test("a deployment keeps to its first jurisdiction, and says so under another", async () => {
  await under("eu", async (edge) => {
    const { id } = await edge("ada").sessions.create();
    expect((await edge("ada").sessions.retrieve(id)).id).toBe(id);
  });
  const changed = {
    code: "jurisdiction_changed",
    status: 503,
    message: expect.stringContaining("has its data in jurisdiction eu"),
  };
  await under("fedramp", async (edge) => {
    await expect(edge("bob").sessions.create()).rejects.toMatchObject(changed);
    await expect(edge("bob").sessions.list().next()).rejects.toMatchObject(changed);
    await expect(edge("bob").accounts.list().next()).rejects.toMatchObject(changed);
  });
});
