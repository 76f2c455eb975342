import { setTimeout as sleep } from "node:timers/promises";

import { ClaudeEdge } from "@claude-edge/client";
import { EdgeError, toWireError } from "@claude-edge/protocol/errors";

import { stopped, type Context } from "../context.js";
import { oneLine } from "../terminal/printable.js";

/** A new name of workers.dev takes up to a minute to resolve, milliseconds. */
const HEALTH_MS = 5 * 60_000;
/** The containers of a first deployment take several minutes to be provisioned, milliseconds. */
const ANSWER_MS = 10 * 60_000;
const PAUSE_MS = 2_000;
/** How often progress is told, milliseconds. */
const WORD_MS = 15_000;

/** What a deployment may say while it is still being set up. */
const NOT_YET = new Set([
  "connection_failed",
  "timeout",
  "not_found",
  "protocol_error",
  "container_unavailable",
  "container_lost",
  "stream_interrupted",
]);

/** Waits until the version that was deployed answers. @throws EdgeError `deployment_not_ready`, `aborted`. */
export async function waitForHealth(url: string, version: string, context: Context): Promise<void> {
  const edge = new ClaudeEdge({ baseURL: url, token: "none", maxRetries: 0 });
  await patiently(`${url} does not answer`, HEALTH_MS, context, async () => {
    const health = await edge.health({ signal: context.signal });
    if (health.version === version) return;
    throw new EdgeError("timeout", `It is still version ${health.version}, not ${version}.`);
  });
  context.stderr.write(`ok: ${url} answers\n`);
}

/** Asks one question. @throws EdgeError `deployment_not_ready`, `aborted`; ClaudeEdgeError for all other failures. */
export async function askHello(edge: ClaudeEdge, context: Context): Promise<string> {
  const { signal, stderr } = context;
  const answer = await patiently("it does not answer a query", ANSWER_MS, context, async () => {
    const turn = edge.query("Say hello", { signal, title: "claude-edge deploy" });
    try {
      return (await turn.result()).text;
    } finally {
      // `query -c` is not to go on with it.
      if (turn.sessionId)
        await edge.sessions
          .open(turn.sessionId)
          .delete()
          .catch(() => {});
    }
  });
  stderr.write(`ok: it says ${JSON.stringify(oneLine(answer, 80))}\n`);
  return answer;
}

/** Tries again and again for a while, as long as the failure is one of something that is not there yet. */
async function patiently<Value>(
  what: string,
  ms: number,
  { signal, stderr }: Context,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const started = performance.now();
  let told = -Infinity;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw stopped();
      const { code, message } = toWireError(error);
      if (!NOT_YET.has(code)) throw error;
      const now = performance.now();
      if (now - started > ms) {
        const text = `After ${ms / 60_000} minutes ${what}: ${message}`;
        throw new EdgeError("deployment_not_ready", text, undefined, error);
      }
      if (now - told >= WORD_MS) {
        stderr.write(`waiting: ${what} yet: ${oneLine(message, 200)}\n`);
        told = now;
      }
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}
