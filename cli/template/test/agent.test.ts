// Your agent on this machine, with everything real but the model: a scripted one answers, and a prompt says how.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal, type LocalStack } from "@claude-edge/local";

let stack: LocalStack;
let edge: ClaudeEdge;

before(async () => {
  stack = await startLocal({ project: new URL("..", import.meta.url).pathname, model: "scripted" });
  edge = new ClaudeEdge({ baseURL: stack.url, token: stack.token });
});
after(() => stack?.stop());

test("answers, and remembers what was said before", async () => {
  const session = await edge.sessions.create();
  const { text } = await session.send("%say Hello, Ada.");
  assert.equal(text, "Hello, Ada.");
  await session.send("%say Again.");
  const asked = JSON.stringify(stack.model?.requests.at(-1)?.body);
  assert.match(asked, /Hello, Ada\./);
});

test("writes files into the session's workspace", async () => {
  const write = { file_path: "notes.md", content: "Buy milk." };
  const prompt = `%tool Write ${JSON.stringify(write)}\n%tool Bash {"command":"cat notes.md"}\n%say Done.`;
  const session = await edge.sessions.create({ allowedTools: ["Bash"] });
  const seen: unknown[] = [];
  for await (const event of session.send(prompt)) seen.push(event);
  assert.match(JSON.stringify(seen), /Buy milk\./);
});

test("knows what is in .claude", async () => {
  await edge.query("%say Yes.");
  const asked = JSON.stringify(stack.model?.requests.at(-1)?.body);
  assert.match(asked, /What the agent always knows/); // CLAUDE.md
  assert.match(asked, /release-notes/); // a skill
});

test("the Worker's own route answers beside the API", async () => {
  assert.equal((await fetch(`${stack.url}/hello`)).status, 200);
  assert.equal((await fetch(`${stack.url}/v1/sessions`)).status, 401);
});
