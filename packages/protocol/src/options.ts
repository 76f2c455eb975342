import * as z from "zod/mini";

const toolNames = z.array(z.string().check(z.minLength(1)));

/** JSON that the Agent SDK checks itself. */
const json = z.record(z.string(), z.unknown());

const text = z.string().check(z.minLength(1));

/** Callbacks on an event, in the order the caller gave them; `hooks` says how many there are. */
const hookMatcher = z.looseObject({
  matcher: z.optional(z.string()),
  timeout: z.optional(z.number().check(z.positive())),
  hooks: z.int().check(z.positive(), z.maximum(100)),
});

/**
 * The options of a session: those of the Agent SDK's `Options` that travel, under their own names.
 * Strict: an option that is not here is refused by name rather than dropped.
 *
 * A callback is here as a placeholder, and what calls it is a request that whoever reads the session answers:
 * `canUseTool`, `onElicitation` and `onUserDialog` are `true`, a list of hooks is their number, and an MCP server of
 * `type: "sdk"` has no `instance`.
 */
export const sessionOptions = z.strictObject({
  model: z.optional(text),
  fallbackModel: z.optional(text),
  systemPrompt: z.optional(
    z.union([
      z.string(),
      z.array(z.string()),
      z.looseObject({ type: z.literal("preset"), preset: z.literal("claude_code") }),
      z.looseObject({ type: z.literal("custom") }),
    ]),
  ),
  permissionMode: z.optional(
    z.enum(["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk", "auto"]),
  ),
  permissionPrompts: z.optional(z.enum(["host", "none"])),
  permissionPromptToolName: z.optional(text),
  allowDangerouslySkipPermissions: z.optional(z.boolean()),
  tools: z.optional(
    z.union([
      toolNames,
      z.strictObject({ type: z.literal("preset"), preset: z.literal("claude_code") }),
    ]),
  ),
  allowedTools: z.optional(toolNames),
  disallowedTools: z.optional(toolNames),
  toolAliases: z.optional(z.record(z.string(), z.string())),
  toolConfig: z.optional(json),
  maxTurns: z.optional(z.int().check(z.positive())),
  maxBudgetUsd: z.optional(z.number().check(z.positive())),
  taskBudget: z.optional(z.strictObject({ total: z.number().check(z.positive()) })),
  thinking: z.optional(
    z.union([
      z.looseObject({ type: z.literal("adaptive") }),
      z.looseObject({ type: z.literal("disabled") }),
      z.looseObject({
        type: z.literal("enabled"),
        budgetTokens: z.optional(z.int().check(z.positive())),
      }),
    ]),
  ),
  maxThinkingTokens: z.optional(z.int().check(z.nonnegative())),
  effort: z.optional(z.enum(["low", "medium", "high", "xhigh", "max"])),
  outputFormat: z.optional(
    z.strictObject({
      type: z.literal("json_schema"),
      schema: json,
    }),
  ),
  agent: z.optional(text),
  agents: z.optional(z.record(z.string(), json)),
  mcpServers: z.optional(z.record(z.string(), json)),
  mcpServersDelivery: z.optional(z.enum(["argv", "initialize"])),
  strictMcpConfig: z.optional(z.boolean()),
  hooks: z.optional(z.record(z.string(), z.array(hookMatcher))),
  canUseTool: z.optional(z.literal(true)),
  onElicitation: z.optional(z.literal(true)),
  onUserDialog: z.optional(z.literal(true)),
  supportedDialogKinds: z.optional(z.array(z.string())),
  skills: z.optional(z.union([z.array(z.string()), z.literal("all")])),
  plugins: z.optional(z.array(json)),
  pluginDelivery: z.optional(z.enum(["argv", "initialize"])),
  settings: z.optional(z.union([z.string(), json])),
  settingSources: z.optional(z.array(z.enum(["user", "project", "local"]))),
  managedSettings: z.optional(json),
  sandbox: z.optional(json),
  additionalDirectories: z.optional(z.array(z.string())),
  projectConfigRoot: z.optional(text),
  betas: z.optional(z.array(z.string())),
  planModeInstructions: z.optional(z.string()),
  verbatimPrompts: z.optional(z.boolean()),
  includeHookEvents: z.optional(z.boolean()),
  forwardSubagentText: z.optional(z.boolean()),
  promptSuggestions: z.optional(z.boolean()),
  agentProgressSummaries: z.optional(z.boolean()),
  perTaskStopAffordance: z.optional(z.boolean()),
  debug: z.optional(z.boolean()),
});

/**
 * The options of a session as they travel: the Agent SDK's, with placeholders for callbacks.
 * @interface
 */
export type SessionOptions = z.infer<typeof sessionOptions>;
