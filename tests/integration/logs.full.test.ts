/** What the settings of the log change. */
import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import { StackLog } from "../support/stack-log.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const log = new StackLog();
const edge = useOwnStack({
  onLog: log.onLog,
  vars: {
    CLAUDE_EDGE_LOG_CONTENT: "true",
    CLAUDE_EDGE_LOG_SAMPLE: "0",
    CLAUDE_EDGE_SLEEP_AFTER: "3s",
  },
});

test("content is there if it may be; of requests only errors are, when none is sampled", async () => {
  const [prompt, answer] = [`prompt-${randomUUID()}`, `answer-${randomUUID()}`];
  const client = edge.client("content");
  const { turnId: turn } = await client.query(`%say ${answer}\n# ${prompt}`);
  const [started] = await log.with({ message: "turn started", turn });
  expect(started!.content).toEqual({ prompt: `%say ${answer}\n# ${prompt}` });
  const [ended] = await log.with({ message: "turn ended", turn });
  expect(ended!.content).toEqual({ answer });
  const failed = await edge.fetch(`/v1/none?${prompt}`);
  const [line] = await log.with({ request_id: failed.headers.get("x-request-id") });
  expect(line).toMatchObject({ status: 404, content: { path: `/v1/none?${prompt}` } });
  expect(log.entries.filter(({ status }) => status === 200)).toEqual([]);

  // What the agent's process says of itself comes along with its debugging.
  await client.query("%say Debugged.", { debug: true, stderr: true });
  await until("the process's own lines", () => /\[DEBUG\]/.test(log.text));
});

test("a container says that it ends, and why", async () => {
  await edge.client("sleepy").query("%say Hi.");
  // One that was being started when its alarm rang is looked at again after a minute.
  const fields = { message: "container ended", container: "sleepy" };
  const [ended] = await log.with(fields, 1, 150_000);
  expect(ended).toMatchObject({ level: "info", account: "sleepy", reason: "idle" });
}, 240_000);
