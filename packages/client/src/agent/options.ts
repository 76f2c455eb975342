import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { clientError, type SessionOptions } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "../errors.js";
import { OPTIONS, type Parity } from "./parity.js";

/** Refuses what cannot go over the network. @throws ClaudeEdgeError `option_refused`. */
export function refuse(name: string, reason: string): never {
  const error = clientError("option_refused", `${name}: ${reason}.`, { option: name });
  throw new ClaudeEdgeError(error);
}

/** These become calls of their own, or are used here; what is left of `Options` travels as it is. */
const USED_HERE = new Set([
  "abortController",
  "continue",
  "forkSession",
  "includePartialMessages",
  "persistSession",
  "enableFileCheckpointing",
  "resume",
  "resumeSessionAt",
  "sessionId",
  "title",
]);

/**
 * The Agent SDK's options as a session takes them, with placeholders where a callback stays here.
 * @throws ClaudeEdgeError `option_refused`.
 */
export function toSessionOptions(options: Options): SessionOptions {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const parity: Parity | undefined = OPTIONS[name as keyof typeof OPTIONS];
    if (!parity) refuse(name, "the Agent SDK has no such option");
    if (parity.class === "refused" && value !== parity.unless) refuse(name, parity.reason);
    if (!USED_HERE.has(name)) wire[name] = placeholder(name, value);
  }
  if (options.resumeSessionAt !== undefined && !options.forkSession) {
    refuse(
      "resumeSessionAt",
      "goes with forkSession: true, so that nothing of the session is lost",
    );
  }
  return wire as SessionOptions;
}

function placeholder(name: string, value: unknown): unknown {
  switch (name) {
    case "canUseTool":
    case "onElicitation":
    case "onUserDialog":
      return true;
    case "hooks":
      return hookCounts(value as NonNullable<Options["hooks"]>);
    case "mcpServers":
      return serverConfigs(value as NonNullable<Options["mcpServers"]>);
    default:
      return plain(name, value);
  }
}

export function hookCounts(hooks: NonNullable<Options["hooks"]>): SessionOptions["hooks"] {
  const counted = Object.entries(hooks).map(([event, matchers]) => [
    event,
    matchers
      .filter(({ hooks: of }) => of.length > 0)
      .map(({ hooks: of, ...matcher }) => ({ ...matcher, hooks: of.length })),
  ]);
  return Object.fromEntries(counted) as SessionOptions["hooks"];
}

/** MCP servers without the objects that run here. */
export function serverConfigs(
  servers: NonNullable<Options["mcpServers"]>,
): NonNullable<SessionOptions["mcpServers"]> {
  const configs = Object.entries(servers).map(([name, config]) => {
    if (config.type !== "sdk") return [name, plain(`mcpServers.${name}`, config)];
    const { instance: _instance, ...rest } = config;
    return [name, rest];
  });
  return Object.fromEntries(configs) as NonNullable<SessionOptions["mcpServers"]>;
}

/** Only what is JSON travels. */
function plain(name: string, value: unknown): unknown {
  try {
    return JSON.parse(
      JSON.stringify(value, (key, of: unknown) =>
        typeof of === "function" || typeof of === "bigint"
          ? refuse(key === "" ? name : `${name}.${key}`, `a ${typeof of} cannot travel`)
          : of,
      ),
    );
  } catch (cause) {
    if (cause instanceof ClaudeEdgeError) throw cause;
    return refuse(name, "it is not JSON");
  }
}
