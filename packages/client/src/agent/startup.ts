import type * as sdk from "@anthropic-ai/claude-agent-sdk";
import { clientError } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError, TimeoutError } from "../errors.js";
import { asMessages } from "./prompt.js";
import { deletableQuery } from "./query.js";
import type { OnEdge } from "./session-functions.js";

type Prompt = Parameters<sdk.WarmQuery["query"]>[0];

/** How long a process may take to start by default, milliseconds: the Agent SDK's own figure. */
const INITIALIZE_MS = 60_000;

/**
 * Makes a session and starts its process ahead of the first prompt, as the Agent SDK's `startup()`.
 * @throws ClaudeEdgeError as `query()`; `timeout` when the process has not started in time.
 */
export async function startup({
  options = {},
  initializeTimeoutMs = INITIALIZE_MS,
  edge = {},
}: NonNullable<Parameters<typeof sdk.startup>[0]> & OnEdge = {}): Promise<sdk.WarmQuery> {
  let give: (prompt: Prompt) => void;
  const given = new Promise<Prompt>((resolve) => (give = resolve));
  const asBlock = "replay-user-messages" in (options.extraArgs ?? {});
  async function* prompts(): AsyncGenerator<sdk.SDKUserMessage> {
    const prompt = await given;
    yield* typeof prompt === "string" ? asMessages(prompt, asBlock) : prompt;
  }
  const { query, deleteSession } = deletableQuery({ prompt: prompts(), options, edge });
  let isGiven = false;
  const close = () => {
    if (isGiven) return;
    isGiven = true;
    query.close();
    // Nothing was said in it.
    if (!options.resume && !options.continue) void deleteSession().catch(() => {});
  };
  try {
    await inTime(query.initializationResult(), initializeTimeoutMs);
  } catch (error) {
    close();
    throw error;
  }
  return {
    query: (prompt) => {
      if (isGiven) {
        const message = "query() of a WarmQuery can be called once, and not after close().";
        throw new ClaudeEdgeError(clientError("invalid_request", message));
      }
      isGiven = true;
      give(prompt);
      return query;
    },
    close,
    [Symbol.asyncDispose]: async () => close(),
  };
}

async function inTime(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TimeoutError("total", ms)), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
