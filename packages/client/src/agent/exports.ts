import type * as sdk from "@anthropic-ai/claude-agent-sdk";

/**
 * What `@claude-edge/client/agent-sdk` has for a value that the Agent SDK exports. `deployment`: the same for sessions of
 * a deployment. `passed`: the installed Agent SDK's own. `absent`: none, for the reason given.
 */
export interface ExportParity {
  class: "deployment" | "passed" | "absent";
  note?: string;
}

const passed: ExportParity = { class: "passed" };
const deployment = (note?: string): ExportParity => ({
  class: "deployment",
  ...(note === undefined ? {} : { note }),
});
const absent = (note: string): ExportParity => ({ class: "absent", note });

const MISSING = "an empty answer for an id that the account does not have";

/** Every value of the pinned Agent SDK's entry. Its types pass through, all of them. */
export const EXPORTS = {
  AbortError: deployment("this package's, which an aborted query throws"),
  BUILTIN_TOOL_NAMES: passed,
  EXIT_REASONS: passed,
  HOOK_EVENTS: passed,
  InMemorySessionStore: passed,
  LEGACY_TOOL_NAME_ALIASES: passed,
  ORG_POLICY_LIMIT_PREFIXES: passed,
  SYSTEM_PROMPT_DYNAMIC_BOUNDARY: passed,
  USAGE_LIMIT_ERROR_PREFIXES: passed,
  USAGE_TRANSITION_PREFIXES: passed,
  USAGE_WARNING_PREFIXES: passed,
  archiveSession: absent("a deployment keeps no archive: `tagSession` marks sessions"),
  createSdkMcpServer: passed,
  deleteSession: deployment("the session's files are deleted with it"),
  filterEscalatingDefaultMode: passed,
  foldSessionSummary: passed,
  forkSession: deployment("files are branched too, and messages keep their ids"),
  getSessionInfo: deployment(),
  getSessionMessages: deployment(MISSING),
  getSubagentMessages: deployment(MISSING),
  importSessionToStore: deployment("copies a session of the deployment"),
  listSessions: deployment("the account's, newest first; `dir` is ignored"),
  listSubagents: deployment(MISSING),
  matchDeniedModels: passed,
  prewarm: absent(
    "a container keeps a process ready by itself, for whichever session comes next: `startup` warms one session",
  ),
  query: deployment("the tables above"),
  renameSession: deployment("the title of the session"),
  resolveSettings: absent(
    "it reads the settings files of this machine, which no session of a deployment sees",
  ),
  startup: deployment("makes the session and starts its process"),
  tagSession: deployment("in place of the tags that the session has"),
  tool: passed,
  unarchiveSession: absent("a deployment keeps no archive"),
} as const satisfies Record<keyof typeof sdk, ExportParity>;
