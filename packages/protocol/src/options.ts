import * as z from "zod/mini";

import { networkPolicy } from "./network-policy.js";
import { isOwnVariable } from "./own-variables.js";
import { repositories } from "./repositories.js";
import { sessionSecrets } from "./secrets.js";

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

/** From the workspace, with slashes: no step leads out of it. */
const workspaceFolder = z
  .string()
  .check(
    z.minLength(1),
    z.maxLength(1000),
    z.regex(
      /^(?!\/)(?!.*(^|\/)\.{0,2}(\/|$))[^\0\\]+$/,
      "is a folder of the workspace, without a slash in front or behind, and without . or ..",
    ),
  );

const variables = z
  .record(
    z.string().check(z.maxLength(128), z.regex(/^[A-Za-z_]\w*$/, "is no name of a variable")),
    z.string().check(z.maxLength(32 * 1024)),
  )
  .check(
    z.refine((env) => Object.keys(env).length <= 200, "has more than 200 variables"),
    z.refine((env) => !Object.keys(env).some(isOwnVariable), {
      error: ({ input }) =>
        `has ${Object.keys(input as object).find(isOwnVariable)}, which the deployment sets`,
    }),
  );

/**
 * The options of a session: those of the Agent SDK's `Options` that travel, under their own names. `network`, `repositories` and
 * `secrets` are our own.
 * The last two Claude Code has as a flag and a variable.
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
  /** The folder of the workspace that the agent works in; the workspace itself without it. */
  cwd: z.optional(workspaceFolder),
  /** Variables of the session's processes, as they are: every tool can read them. A credential goes into `secrets`. */
  env: z.optional(variables),
  /** What the process writes to standard error comes as `delta` events, in messages of type `stderr`. */
  stderr: z.optional(z.literal(true)),
  /** What the session's container reaches, at most what the deployment and the account allow. It has one of its own then. */
  network: z.optional(networkPolicy),
  /** Git repositories: before each turn, those whose folders are not in the workspace are cloned. */
  repositories: z.optional(repositories),
  /**
   * Secrets of the session's own, by the variable that holds each. They are sealed and never told again, so no session has
   * this option; with other options those that are not named stay, and `null` takes one away.
   */
  secrets: z.optional(sessionSecrets),
  /** Claude Code's `--replay-user-messages`: prompts come back as messages with `isReplay`. Not an option of the SDK's. */
  replayUserMessages: z.optional(z.boolean()),
  /** Its `CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS`: `session_state_changed` messages, `idle` the last of a turn. */
  sessionStateEvents: z.optional(z.boolean()),
});

/**
 * The options of a session as they travel: the Agent SDK's, with placeholders for callbacks.
 * @interface
 */
export type SessionOptions = z.infer<typeof sessionOptions>;
