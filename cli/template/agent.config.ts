import { defineAgent } from "@claude-edge/runner";

/**
 * Your agent: options of the Claude Agent SDK. A session's own options go before these.
 * Skills, subagents, commands and CLAUDE.md are in .claude/.
 */
export default defineAgent({
  systemPrompt: "You are a helpful agent. Work in the current folder and answer briefly.",
  // Edits inside the session's workspace need no approval; everything else asks the session's caller, or is refused.
  permissionMode: "acceptEdits",
});
