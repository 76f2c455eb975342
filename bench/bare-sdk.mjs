/** The Agent SDK by itself, with the options the runner gives it: the floor, and how the older systems work. */
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// It is the runner's dependency, not this folder's.
const require = createRequire(new URL("../packages/runner/package.json", import.meta.url));
const { query } = await import(
  pathToFileURL(require.resolve("@anthropic-ai/claude-agent-sdk")).href
);

const folder = mkdtempSync(join(tmpdir(), "bench-"));

const options = (model) => ({
  cwd: folder,
  settingSources: [],
  strictMcpConfig: true,
  includePartialMessages: true,
  verbatimPrompts: true,
  permissionMode: "acceptEdits",
  systemPrompt: "You are a helpful agent. Work in the current folder and answer briefly.",
  env: {
    PATH: process.env.PATH,
    HOME: folder,
    CLAUDE_CONFIG_DIR: join(folder, "config"),
    CLAUDE_CODE_TMPDIR: folder,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: model.key,
  },
});

const isText = ({ type, event }) =>
  type === "stream_event" &&
  event.type === "content_block_delta" &&
  event.delta.type === "text_delta";

/** A process per turn. Gives the time to the first text, and to the end, milliseconds. */
export async function freshTurn(model, prompt) {
  const started = performance.now();
  let first;
  for await (const message of query({ prompt, options: options(model) })) {
    if (isText(message)) first ??= performance.now() - started;
  }
  return { first, total: performance.now() - started };
}

/** A live process in streaming-input mode. */
export function liveProcess(model) {
  let asked = Promise.withResolvers();
  async function* prompts() {
    for (;;) {
      const next = Promise.withResolvers();
      asked.resolve(next);
      yield await next.promise;
    }
  }
  const live = query({ prompt: prompts(), options: options(model) });
  return {
    async turn(text) {
      const next = await asked.promise;
      asked = Promise.withResolvers();
      const started = performance.now();
      const message = { role: "user", content: text };
      next.resolve({ type: "user", message, parent_tool_use_id: null, uuid: randomUUID() });
      let first;
      for (;;) {
        const { value } = await live.next();
        if (isText(value)) first ??= performance.now() - started;
        if (value.type === "result") return { first, total: performance.now() - started };
      }
    },
    close: () => live.close(),
  };
}
