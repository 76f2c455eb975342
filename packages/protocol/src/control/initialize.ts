import type { ControlBody } from "./frames.js";

/** Hooks as `initialize` names them: callbacks by their ids. */
export type HookIds = Record<
  string,
  { hookCallbackIds: string[]; matcher?: string; timeout?: number; [field: string]: unknown }[]
>;

/** What an `initialize` request says. */
export interface Initialization {
  /** Options of the Agent SDK that travel as they are. */
  options: Record<string, unknown>;
  hooks: HookIds;
  /** The MCP servers in the program, with the settings of each. */
  servers: Record<string, Record<string, unknown>>;
  /** What the answer must confirm, or the Agent SDK ends the session: that fields which can travel in argv were read here. */
  confirmed: Record<string, boolean>;
}

/** Fields that are an option of the same name. */
const OPTIONS = [
  "agents",
  "agentProgressSummaries",
  "disallowedTools",
  "forwardSubagentText",
  "mcpServers",
  "perTaskStopAffordance",
  "planModeInstructions",
  "plugins",
  "promptSuggestions",
  "skills",
  "supportedDialogKinds",
  "title",
  "toolAliases",
] as const;

/** Fields that travel in argv or here; the answer says that they were read here. */
const CONFIRMED = {
  disallowedTools: "disallowed_tools_applied",
  managedSettings: "managed_settings_applied",
  mcpServers: "mcp_servers_applied",
  plugins: "plugins_applied",
  settings: "settings_applied",
} as const;

/** Reads an `initialize` request. `isPreset`: without a system prompt in it, Claude Code's own is meant. */
export function readInitialize(body: ControlBody, isPreset: boolean): Initialization {
  const options: Record<string, unknown> = {};
  for (const name of OPTIONS) if (body[name] !== undefined) options[name] = body[name];
  for (const name of ["settings", "managedSettings"] as const) {
    if (body[name] !== undefined) options[name] = jsonOrText(body[name]);
  }
  if (body.jsonSchema !== undefined) {
    options.outputFormat = { type: "json_schema", schema: body.jsonSchema };
  }
  const systemPrompt = systemPromptOf(body, isPreset);
  if (systemPrompt !== undefined) options.systemPrompt = systemPrompt;

  const confirmed: Record<string, boolean> = { hook_on_failure_supported: true };
  for (const [name, flag] of Object.entries(CONFIRMED)) {
    if (body[name] !== undefined) confirmed[flag] = true;
  }
  const settings = (body.sdkMcpServerConfigs ?? {}) as Record<string, Record<string, unknown>>;
  const names = (body.sdkMcpServers ?? []) as string[];
  return {
    options,
    hooks: (body.hooks ?? {}) as HookIds,
    servers: Object.fromEntries(names.map((name) => [name, settings[name] ?? {}])),
    confirmed,
  };
}

function jsonOrText(value: unknown): unknown {
  return typeof value === "string" && value.trimStart().startsWith("{")
    ? (JSON.parse(value) as unknown)
    : value;
}

/** `[""]` is how the Agent SDK says that the option was not given, and nothing that Claude Code's own prompt is meant. */
function systemPromptOf(body: ControlBody, isPreset: boolean): unknown {
  const { systemPrompt, systemPromptSnapshot: snapshot } = body;
  if (Array.isArray(systemPrompt)) {
    const [first, ...more] = systemPrompt as string[];
    const prompt = more.length > 0 ? (systemPrompt as string[]) : first;
    if (!prompt) return undefined;
    return snapshot === undefined ? prompt : { type: "custom", prompt, snapshot };
  }
  if (systemPrompt !== undefined) return systemPrompt;
  if (!isPreset) return undefined;
  const { appendSystemPrompt: append, excludeDynamicSections } = body;
  return {
    type: "preset",
    preset: "claude_code",
    ...(append === undefined ? {} : { append }),
    ...(excludeDynamicSections === undefined ? {} : { excludeDynamicSections }),
  };
}
