import { accountName, sessionOptions, type SessionOptions } from "@claude-edge/protocol";
import * as z from "zod/mini";

import { readArguments, type ArgumentOptions } from "./args.js";

const { model, maxTurns, allowedTools, disallowedTools, permissionMode } = sessionOptions.shape;

/**
 * A request to run the `claude` program.
 *
 * | field | meaning |
 * |---|---|
 * | `prompt` | the prompt of a turn |
 * | `stream`, `outputFormat` | NDJSON, or JSON for `stream: false` and `outputFormat: "json"`; the format counts first |
 * | `verbose` | all messages in a JSON answer; a stream has them anyway |
 * | `model`, `maxTurns`, `allowedTools`, `disallowedTools`, `permissionMode`, `systemPrompt` | the session's options of these names |
 * | `appendSystemPrompt` | appended to `systemPrompt`, or to that of Claude Code |
 * | `additionalArgs` | the same options as flags of `claude`; see args.ts. They override the fields |
 * | `sessionId` | the session, created if it is new. An id that is not a UUID is mapped to one |
 * | `resumeSessionId` | an existing session |
 * | `continueSession` | the account's newest session, if no id is given |
 * | `accountId` | the account; for the root key only |
 * | lines | the Agent SDK's messages; `result` comes last, and only if the turn has completed |
 * | last line `type: "error"` | the turn has failed |
 */
export const claudeCodeRequest = z.strictObject({
  prompt: z.string(),
  inputFormat: z.optional(z.literal("text")),
  outputFormat: z.optional(z.enum(["json", "stream-json"])),
  stream: z.optional(z.boolean()),
  verbose: z.optional(z.boolean()),
  model,
  maxTurns,
  allowedTools,
  disallowedTools,
  permissionMode,
  systemPrompt: z.optional(z.string()),
  appendSystemPrompt: z.optional(z.string()),
  additionalArgs: z.optional(z.array(z.string())),
  sessionId: z.optional(z.string().check(z.minLength(1), z.maxLength(256))),
  resumeSessionId: z.optional(z.string().check(z.minLength(1), z.maxLength(256))),
  continueSession: z.optional(z.boolean()),
  accountId: z.optional(accountName),
});
export type ClaudeCodeRequest = z.infer<typeof claudeCodeRequest>;

/** The session's options from a request; the rest comes from agent.config.ts. */
export function optionsOf(request: ClaudeCodeRequest): SessionOptions {
  const named: Record<string, unknown> = {
    model: request.model,
    maxTurns: request.maxTurns,
    allowedTools: request.allowedTools,
    disallowedTools: request.disallowedTools,
    permissionMode: request.permissionMode,
    systemPrompt: request.systemPrompt,
    appendSystemPrompt: request.appendSystemPrompt,
    ...readArguments(request.additionalArgs ?? []),
  };
  const { appendSystemPrompt: append, systemPrompt, ...rest } = named as ArgumentOptions;
  const preset = { type: "preset", preset: "claude_code" } as const;
  const system = append
    ? systemPrompt
      ? `${String(systemPrompt)}\n\n${append}`
      : { ...preset, append }
    : systemPrompt;
  const all = Object.entries({ ...rest, systemPrompt: system || undefined });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as SessionOptions;
}
