import { readFileSync } from "node:fs";

import { EdgeError } from "@claude-edge/protocol/errors";

import type { Options } from "./callbacks.js";
import type { Flags } from "./flags.js";

type Environment = Record<string, string | undefined>;

/** Flags that have an option of the same name and the same form. */
const SAME = [
  "agent",
  "allowDangerouslySkipPermissions",
  "continue",
  "effort",
  "fallbackModel",
  "forkSession",
  "includeHookEvents",
  "includePartialMessages",
  "maxBudgetUsd",
  "maxTurns",
  "model",
  "permissionMode",
  "permissionPrompts",
  "projectConfigRoot",
  "resumeDropsTurn",
  "resumeSessionAt",
  "sessionId",
  "strictMcpConfig",
] as const;

/** Claude Code's own tools, or its own system prompt. */
const PRESET = { type: "preset", preset: "claude_code" } as const;

/** The Agent SDK's options that a command line of Claude Code's stands for. @throws EdgeError `usage`. */
export function optionsOf(flags: Flags, env: Environment): Options {
  const options: Record<string, unknown> = {};
  for (const name of SAME) if (flags[name] !== undefined) options[name] = flags[name];
  if (flags.sessionMirror) {
    const message = "sessionStore: the deployment is the store (claude-edge stdio).";
    throw new EdgeError("usage", message);
  }
  if (flags.dangerouslySkipPermissions) {
    options.permissionMode ??= "bypassPermissions";
    options.allowDangerouslySkipPermissions = true;
  }
  if (flags.resume === true) {
    throw new EdgeError("usage", "--resume needs a session's id where nobody can choose one.");
  }
  if (flags.resume !== undefined) options.resume = flags.resume;
  if (!flags.sessionPersistence) options.persistSession = false;
  if (flags.replayUserMessages !== undefined) {
    options.extraArgs = { "replay-user-messages": null };
  }
  // What a value may be is for the deployment to say.
  const all = { ...options, ...tools(flags), ...lists(flags), ...texts(flags), ...fromEnv(env) };
  return all as Options;
}

/** Whether the program decides on tools: there is no other sign of it. */
export const asksPermissions = ({ permissionPromptTool }: Flags): boolean =>
  permissionPromptTool === "stdio";

/** Whether the command line says nothing of the system prompt: it is Claude Code's own, unless `initialize` has one. */
export const isPreset = (flags: Flags): boolean =>
  flags.systemPrompt === undefined &&
  flags.systemPromptFile === undefined &&
  flags.appendSystemPrompt === undefined &&
  flags.appendSystemPromptFile === undefined;

function tools(flags: Flags): object {
  const { tools: names, allowedTools, disallowedTools, permissionPromptTool: tool } = flags;
  return {
    ...(names === undefined ? {} : { tools: toolsOf(rules(names)) }),
    ...(allowedTools === undefined ? {} : { allowedTools: rules(allowedTools) }),
    ...(disallowedTools === undefined ? {} : { disallowedTools: rules(disallowedTools) }),
    ...(tool === undefined || tool === "stdio" ? {} : { permissionPromptToolName: tool }),
  };
}

const toolsOf = (names: string[]): unknown =>
  names.length === 1 && names[0] === "default" ? PRESET : names;

/** Permission rules, between commas or blanks; both may stand in the brackets of one. */
export const rules = (given: string[]): string[] =>
  given.flatMap((text) => text.match(/(?:\([^)]*\)|[^,\s(])+/g) ?? []);

function lists({ addDir, betas, mcpConfig, pluginDir, pluginDirNoMcp, settingSources }: Flags) {
  const plugins = [
    ...(pluginDir ?? []).map((path) => ({ type: "local", path })),
    ...(pluginDirNoMcp ?? []).map((path) => ({ type: "local", path, skipMcpDiscovery: true })),
  ];
  return {
    ...(addDir ? { additionalDirectories: addDir } : {}),
    ...(betas ? { betas: rules(betas) } : {}),
    ...(mcpConfig ? { mcpServers: mcpServers(mcpConfig) } : {}),
    ...(plugins.length > 0 ? { plugins } : {}),
    ...(settingSources === undefined
      ? {}
      : { settingSources: settingSources.split(",").filter(Boolean) }),
  };
}

function mcpServers(configs: string[]): object {
  const servers = configs.map((text) => {
    const { mcpServers: named = {} } = jsonOrFile("--mcp-config", text);
    return named as object;
  });
  return Object.assign({}, ...servers) as object;
}

function texts(flags: Flags): object {
  const { agents, jsonSchema, managedSettings, settings, taskBudget } = flags;
  const systemPrompt = systemPromptOf(flags);
  const thinking = thinkingOf(flags);
  return {
    ...(agents ? { agents: json("--agents", agents) } : {}),
    ...(jsonSchema
      ? { outputFormat: { type: "json_schema", schema: json("--json-schema", jsonSchema) } }
      : {}),
    ...(managedSettings
      ? { managedSettings: jsonOrFile("--managed-settings", managedSettings) }
      : {}),
    ...(settings ? { settings: jsonOrFile("--settings", settings) } : {}),
    ...(taskBudget === undefined ? {} : { taskBudget: { total: taskBudget } }),
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
    ...(thinking === undefined ? {} : { thinking }),
  };
}

/** `--system-prompt ""` asks for none, which is what sessions have by default. */
function systemPromptOf(flags: Flags): unknown {
  const { systemPromptFile: file, appendSystemPromptFile: appendFile } = flags;
  const own = file === undefined ? flags.systemPrompt : read("--system-prompt-file", file);
  if (own !== undefined) return own || undefined;
  const append =
    appendFile === undefined
      ? flags.appendSystemPrompt
      : read("--append-system-prompt-file", appendFile);
  return append === undefined ? undefined : { ...PRESET, append };
}

function thinkingOf({ thinking, maxThinkingTokens: budgetTokens, thinkingDisplay }: Flags) {
  const display = thinkingDisplay === undefined ? {} : { display: thinkingDisplay };
  if (budgetTokens === 0) return { type: "disabled" };
  if (budgetTokens !== undefined) return { type: "enabled", budgetTokens, ...display };
  return thinking === undefined ? undefined : { type: thinking, ...display };
}

/** Whether a variable switches something on. */
export const isOn = (value: string | undefined): boolean =>
  value !== undefined && !/^(|0|false|no|off)$/i.test(value);

/** Options of the Agent SDK that travel as variables. */
function fromEnv({
  CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: emits,
  CLAUDE_CODE_SDK_READS_SESSION_STATE: reads,
  CLAUDE_CODE_QUESTION_PREVIEW_FORMAT: previewFormat,
}: Environment): object {
  return {
    // The client takes the variable for an option of the session; with the value that it has here it would be left out.
    ...(isOn(emits) || isOn(reads) ? { env: { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "on" } } : {}),
    ...(previewFormat ? { toolConfig: { askUserQuestion: { previewFormat } } } : {}),
  };
}

function json(flag: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new EdgeError("usage", `${flag}: it is not JSON.`);
  }
}

/** An object, or a file of this machine that holds it. */
const jsonOrFile = (flag: string, text: string): Record<string, unknown> =>
  json(flag, text.trimStart().startsWith("{") ? text : read(flag, text));

function read(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new EdgeError("usage", `${flag}: ${path} cannot be read (${code}).`);
  }
}
