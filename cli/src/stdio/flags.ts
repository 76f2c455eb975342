import { Command, InvalidArgumentError, Option } from "commander";

/** Claude Code's flags as commander gives them, those that mean something here. */
export interface Flags {
  addDir?: string[];
  agent?: string;
  agents?: string;
  allowDangerouslySkipPermissions?: true;
  allowedTools?: string[];
  appendSystemPrompt?: string;
  appendSystemPromptFile?: string;
  betas?: string[];
  continue?: true;
  dangerouslySkipPermissions?: true;
  debug?: string | true;
  debugToStderr?: true;
  disallowedTools?: string[];
  effort?: string;
  fallbackModel?: string;
  forkSession?: true;
  includeHookEvents?: true;
  includePartialMessages?: true;
  inputFormat: "text" | "stream-json";
  jsonSchema?: string;
  managedSettings?: string;
  maxBudgetUsd?: number;
  maxThinkingTokens?: number;
  maxTurns?: number;
  mcpConfig?: string[];
  model?: string;
  outputFormat: "text" | "json" | "stream-json";
  permissionMode?: string;
  permissionPrompts?: string;
  permissionPromptTool?: string;
  pluginDir?: string[];
  pluginDirNoMcp?: string[];
  print?: true;
  projectConfigRoot?: string;
  replayUserMessages?: string | true;
  resume?: string | true;
  resumeDropsTurn?: string;
  resumeSessionAt?: string;
  sessionId?: string;
  sessionMirror?: true;
  sessionPersistence: boolean;
  settings?: string;
  settingSources?: string;
  strictMcpConfig?: true;
  systemPrompt?: string;
  systemPromptFile?: string;
  taskBudget?: number;
  thinking?: string;
  thinkingDisplay?: string;
  tools?: string[];
  verbose?: true;
}

/** Flags of one value, by how their value is called. */
const TEXTS = {
  name: ["agent", "effort", "fallback-model", "model", "permission-mode", "permission-prompts"],
  json: ["agents", "json-schema", "managed-settings", "settings"],
  text: ["append-system-prompt", "system-prompt"],
  file: ["append-system-prompt-file", "system-prompt-file", "debug-file"],
  id: ["resume-session-at", "resume-drops-turn", "session-id"],
  how: ["thinking", "thinking-display", "permission-prompt-tool"],
  list: ["setting-sources", "initialize-fields"],
  folder: ["project-config-root"],
};

const NUMBERS = ["max-budget-usd", "max-thinking-tokens", "max-turns", "task-budget"];

const LISTS = ["add-dir", "betas", "mcp-config", "tools"];

/** Flags that may come several times, with one value each. */
const REPEATED = ["plugin-dir", "plugin-dir-no-mcp"];

const SWITCHES = [
  "allow-dangerously-skip-permissions",
  "await-initialize",
  "dangerously-skip-permissions",
  "debug-to-stderr",
  "fork-session",
  "include-hook-events",
  "include-partial-messages",
  "managed-settings-in-initialize",
  "no-session-persistence",
  "session-mirror",
  "strict-mcp-config",
  "verbose",
];

const FORMATS = ["text", "json", "stream-json"];

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("It must be a number.");
}

/**
 * Claude Code's command line, read as Claude Code reads it: it goes by commander too. Writes an error with `onError`.
 * @throws CommanderError
 */
export function readFlags(
  args: readonly string[],
  onError: (text: string) => void,
): { flags: Flags; prompt: string | undefined } {
  const command = new Command("claude")
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: onError, writeOut: onError })
    .helpOption(false)
    .argument("[prompt]")
    .allowExcessArguments()
    .option("-p, --print")
    .option("-c, --continue")
    .option("-r, --resume [session]")
    .option("-d, --debug [filter]")
    .option("--replay-user-messages [value]")
    .option("--allowedTools, --allowed-tools <rules...>")
    .option("--disallowedTools, --disallowed-tools <rules...>")
    .addOption(new Option("--output-format <format>").choices(FORMATS).default("text"))
    .addOption(
      new Option("--input-format <format>").choices(["text", "stream-json"]).default("text"),
    );
  for (const [value, names] of Object.entries(TEXTS)) {
    for (const name of names) command.option(`--${name} <${value}>`);
  }
  for (const name of NUMBERS) command.option(`--${name} <number>`, "", number);
  for (const name of LISTS) command.option(`--${name} <values...>`);
  const collect = (value: string, before: string[] = []) => [...before, value];
  for (const name of REPEATED) command.option(`--${name} <folder>`, "", collect);
  for (const name of SWITCHES) command.option(`--${name}`);
  command.parse(args, { from: "user" });
  return { flags: command.opts<Flags>(), prompt: command.args[0] };
}
