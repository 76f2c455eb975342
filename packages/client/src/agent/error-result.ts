import type { SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";

/** The Agent SDK's stream ends with an error when its last result was one. @throws Error in its words. */
export function throwErrorResult(result: SDKResultMessage | undefined): void {
  if (!result?.is_error) return;
  const text = result.subtype === "success" ? result.result : result.errors.join("; ");
  throw new Error(`Claude Code returned an error result: ${text}`);
}
