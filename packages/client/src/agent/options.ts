import type { SessionOptions } from "@claude-edge/protocol/wire";

import { hookCounts, serverConfigs } from "../callbacks/placeholders.js";
import { jsonOf, refuse } from "../plain-option.js";
import { splitEnvironment } from "./caller-environment.js";
import type { Hooks } from "./hook-types.js";
import type { McpServerConfig } from "./mcp-types.js";
import { OPTIONS, type Parity } from "./parity.js";
import type { Options } from "./sdk.js";
import { folderOf } from "./working-folder.js";

/** These become calls of their own, or are used here; what is left of `Options` travels as it is. */
const USED_HERE = new Set([
  "abortController",
  "continue",
  "enableFileCheckpointing",
  "forkSession",
  "includePartialMessages",
  "persistSession",
  "resume",
  "resumeSessionAt",
  "sessionId",
  "title",
]);

const parityOf = (name: string): Parity | undefined =>
  Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof typeof OPTIONS] : undefined;

/** `{}`, `[]` or null: asks for nothing, so there is nothing to refuse. */
const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.keys(value).length === 0);

/** Options that the Agent SDK does not pass on when they are `""` or 0. */
const UNSET_WHEN_FALSY = new Set([
  "agent",
  "effort",
  "fallbackModel",
  "maxTurns",
  "model",
  "permissionMode",
  "permissionPromptToolName",
  "resumeSessionAt",
  "sessionId",
  "title",
]);

/** The options without unset ones. Programs pass null, `""` or 0 where they have no value. */
export function statedOptions(options: Options): Options {
  const stated = Object.entries(options).filter(
    ([name, value]) =>
      value !== undefined && value !== null && (value || !UNSET_WHEN_FALSY.has(name)),
  );
  return Object.fromEntries(stated) as Options;
}

/** The options given that the Agent SDK does not have, and so ignores. */
export const unknownOptions = (options: Options): string[] =>
  Object.entries(options)
    .filter(([name, value]) => value !== undefined && !parityOf(name))
    .map(([name]) => name);

/**
 * The Agent SDK's options as a session takes them, with placeholders where a callback stays here.
 * @throws ClaudeEdgeError `option_refused`.
 */
export function toSessionOptions(options: Options): SessionOptions {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(takeSwitches(options, wire))) {
    const parity = parityOf(name);
    if (!parity || value === undefined) continue;
    if (parity.class === "ignored") continue;
    if (parity.class === "refused") {
      if (value !== parity.unless && !isEmpty(value)) refuse(name, parity.reason);
    } else if (!USED_HERE.has(name)) {
      wire[name] = placeholder(name, value);
    }
  }
  if (options.persistSession === false && isResuming(options) && !isBranch(options)) {
    const reason = "false would delete the session that is resumed: add forkSession: true";
    refuse("persistSession", reason);
  }
  return wire as SessionOptions;
}

const isResuming = ({ resume, continue: newest }: Options): boolean => Boolean(resume || newest);

/** Whether a session that is resumed is branched: with `resumeSessionAt` too, or a part of it would be lost. */
export const isBranch = ({ forkSession, resumeSessionAt }: Options): boolean =>
  forkSession === true || resumeSessionAt !== undefined;

/** The options given that have no meaning on a deployment, and why. */
export const ignoredOptions = (options: Options): [name: string, reason: string][] =>
  Object.entries(options).flatMap(([name, value]): [string, string][] => {
    const parity = parityOf(name);
    return parity?.class !== "ignored" || isEmpty(value) ? [] : [[name, parity.reason]];
  });

/** A flag and a variable of Claude Code's that sessions have options for, which is how programs ask for them. */
const REPLAY_FLAG = "replay-user-messages";
const STATE_VARIABLE = "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS";

/** Moves the two from `extraArgs` and `env` into the session's options, and what else `env` comes to; gives what is left. */
function takeSwitches(
  { cwd, env: variables, ...options }: Options,
  wire: Record<string, unknown>,
): object {
  const { [REPLAY_FLAG]: replay, ...extraArgs } = options.extraArgs ?? {};
  const { [STATE_VARIABLE]: state, ...env } = variables ?? {};
  if (replay !== undefined) wire.replayUserMessages = true;
  if (state !== undefined && !/^(|0|false|no|off)$/i.test(state)) wire.sessionStateEvents = true;
  const { plain, secrets } = splitEnvironment(env);
  if (Object.keys(plain).length > 0) wire.env = plain;
  if (Object.keys(secrets).length > 0) wire.secrets = secrets;
  const folder = folderOf(cwd ?? "");
  if (folder !== "") wire.cwd = folder;
  if (options.debugFile !== undefined) wire.debug = true;
  return { ...options, extraArgs };
}

function placeholder(name: string, value: unknown): unknown {
  switch (name) {
    case "canUseTool":
    case "onElicitation":
    case "onUserDialog":
    case "stderr":
      return true;
    case "hooks":
      return hookCounts(value as Hooks);
    case "mcpServers":
      return serverConfigs(value as Record<string, McpServerConfig>);
    default:
      return jsonOf(name, value);
  }
}
