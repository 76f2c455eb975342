/**
 * What `@anthropic-ai/claude-agent-sdk` exports, for sessions of a deployment: a program written for the Agent SDK changes
 * this one import. Needs the Agent SDK installed: its types and what needs no process pass through from there.
 * Which is which, and the few that are absent: docs/parity.md.
 */
import type * as sdk from "@anthropic-ai/claude-agent-sdk";

import { query as run, type AgentQuery } from "./agent/query.js";

export type * from "@anthropic-ai/claude-agent-sdk";
export {
  BUILTIN_TOOL_NAMES,
  EXIT_REASONS,
  HOOK_EVENTS,
  InMemorySessionStore,
  LEGACY_TOOL_NAME_ALIASES,
  ORG_POLICY_LIMIT_PREFIXES,
  SYSTEM_PROMPT_DYNAMIC_BOUNDARY,
  USAGE_LIMIT_ERROR_PREFIXES,
  USAGE_TRANSITION_PREFIXES,
  USAGE_WARNING_PREFIXES,
  createSdkMcpServer,
  filterEscalatingDefaultMode,
  foldSessionSummary,
  matchDeniedModels,
  tool,
} from "@anthropic-ai/claude-agent-sdk";
export {
  deleteSession,
  forkSession,
  getSessionInfo,
  getSessionMessages,
  getSubagentMessages,
  importSessionToStore,
  listSessions,
  listSubagents,
  renameSession,
  tagSession,
  type OnEdge,
} from "./agent/session-functions.js";
export { startup } from "./agent/startup.js";
export { AbortError } from "./errors.js";
export type { AgentQuery } from "./agent/query.js";

/** The Agent SDK's `query()`, with the agent in the account's container. @throws ClaudeEdgeError as the root entry's. */
export const query: (params: AgentQuery) => sdk.Query = run;
