/**
 * Approvals across programs: one function asks and waits, another one, which could run elsewhere and days later,
 * answers. The first answer counts.
 *
 *   CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/approvals.ts
 *
 * The lines with % tell the model of local mode what to do; write prompts of your own for a real one.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { ClaudeEdge, type RequestResource } from "@claude-edge/client";

// An account of its own: `requests.list()` is to give this program's requests alone.
const edge = new ClaudeEdge({ account: "approvals-example" });

/** The agent's side: a turn that needs an approval, which nobody gives here. */
async function ask(): Promise<string> {
  const session = await edge.sessions.create({
    permissionMode: "default",
    canUseTool: true,
    approvalTimeout: 24 * 3_600_000,
  });
  const { text } = await session.send(
    'Note it down.\n%tool Write {"file_path":"note.txt","content":"42"}\n%say Noted.',
  );
  return text;
}

/** The approver's side: a web page, a chat bot, a cron job. */
async function approve(): Promise<RequestResource> {
  for (;;) {
    const [request] = await edge.requests.list();
    if (request) {
      console.log(request.kind, request.payload.tool_name, request.payload.input);
      return edge.requests.answer(request.id, { behavior: "allow" }, { by: "ada" });
    }
    await sleep(100);
  }
}

const [text, request] = await Promise.all([ask(), approve()]);
console.log(text);
assert.equal(text, "Noted.");
assert.equal(request.answered_by, "ada");

// Bob comes too late, and is told whose answer it was.
const second = edge.requests.answer(request.id, { behavior: "deny" }, { by: "bob" });
await assert.rejects(second, { code: "request_resolved", status: 409 });
const kept = await edge.requests.retrieve(request.id);
console.log(`${kept.status} by ${kept.answered_by}`);
assert.deepEqual(kept.answer, { behavior: "allow" });
