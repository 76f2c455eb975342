import * as z from "zod/mini";

const toolNames = z.array(z.string().check(z.minLength(1)));

/**
 * The options of a session: those of the Agent SDK's `Options` that travel, under their own names.
 * Strict: an option that is not here is refused by name rather than dropped.
 */
export const sessionOptions = z.strictObject({
  model: z.optional(z.string().check(z.minLength(1))),
  fallbackModel: z.optional(z.string().check(z.minLength(1))),
  systemPrompt: z.optional(
    z.union([
      z.string(),
      z.strictObject({
        type: z.literal("preset"),
        preset: z.literal("claude_code"),
        append: z.optional(z.string()),
      }),
    ]),
  ),
  permissionMode: z.optional(
    z.enum(["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk"]),
  ),
  tools: z.optional(toolNames),
  allowedTools: z.optional(toolNames),
  disallowedTools: z.optional(toolNames),
  maxTurns: z.optional(z.int().check(z.positive())),
  maxBudgetUsd: z.optional(z.number().check(z.positive())),
  thinking: z.optional(
    z.union([
      z.strictObject({ type: z.literal("adaptive") }),
      z.strictObject({ type: z.literal("disabled") }),
      z.strictObject({
        type: z.literal("enabled"),
        budgetTokens: z.optional(z.int().check(z.positive())),
      }),
    ]),
  ),
  effort: z.optional(z.enum(["low", "medium", "high", "xhigh", "max"])),
  outputFormat: z.optional(
    z.strictObject({
      type: z.literal("json_schema"),
      schema: z.record(z.string(), z.unknown()),
    }),
  ),
});

export type SessionOptions = z.infer<typeof sessionOptions>;
