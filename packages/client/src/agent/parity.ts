import type { Options, Query } from "@anthropic-ai/claude-agent-sdk";

/**
 * What becomes of an option, or of a method, of the Agent SDK over the network.
 * `forwarded`: it goes to the container. `caller`: it runs here, in the program that called `query()`.
 * `refused`: it is not taken, for the reason given.
 */
export type Parity = { class: "forwarded" | "caller"; note?: string } | Refused;

interface Refused {
  class: "refused";
  reason: string;
  /** The one value that is taken all the same: it asks for what is so anyway. */
  unless?: unknown;
}

const forwarded: Parity = { class: "forwarded" };
const as = (note: string): Parity => ({ class: "forwarded", note });
const caller = (note: string): Parity => ({ class: "caller", note });
const refused = (reason: string, unless?: unknown): Refused => ({
  class: "refused",
  reason,
  ...(unless === undefined ? {} : { unless }),
});

const PATHS = "names a place in the container's file system";
const CONTAINER_PROGRAM =
  "the container has its own Claude Code, of the version its Agent SDK pins";

/** Every option of the pinned Agent SDK. `docs/parity.md` is made from it. */
export const OPTIONS = {
  abortController: caller("aborting it interrupts the turn in the container"),
  additionalDirectories: as(PATHS),
  agent: forwarded,
  agentProgressSummaries: forwarded,
  agents: as("joined with those of agent.config.ts"),
  allowDangerouslySkipPermissions: forwarded,
  allowedTools: forwarded,
  betas: forwarded,
  canUseTool: caller(
    "asked through a permission request; null leaves the request to somebody else",
  ),
  continue: as("the account's newest session"),
  cwd: refused("every session has its own folder in the container, /workspace/<session>"),
  debug: as("what it writes is in the container's log"),
  debugFile: refused("nobody could read the file: `debug: true` writes to the container's log"),
  disallowedTools: forwarded,
  effort: forwarded,
  enableFileCheckpointing: refused(
    "the Agent SDK cannot combine it with the store that sessions outlive their container by",
    false,
  ),
  env: refused(
    "the caller's environment does not belong into a container: set what the agent needs in agent.config.ts",
  ),
  executable: refused(CONTAINER_PROGRAM),
  executableArgs: refused(CONTAINER_PROGRAM),
  extraArgs: refused("raw arguments could undo what keeps a session alive and apart from others"),
  fallbackModel: forwarded,
  forkSession: as("a new session, with POST /v1/sessions/{id}/fork"),
  forwardSubagentText: forwarded,
  hooks: caller("each call is a hook request; after those of agent.config.ts"),
  includeHookEvents: forwarded,
  includePartialMessages: as("the container always sends them; without it they are left out here"),
  loadTimeoutMs: refused("sessions are loaded by the deployment"),
  managedSettings: forwarded,
  maxBudgetUsd: forwarded,
  maxThinkingTokens: forwarded,
  maxTurns: forwarded,
  mcpServers: as(
    "stdio and HTTP servers run in the container or are reached from it; in-process ones run in the caller, through a tunnel",
  ),
  mcpServersDelivery: as("`initialize` by default, which keeps headers off the command line"),
  model: forwarded,
  onElicitation: caller("asked through an elicitation request"),
  onUserDialog: caller("asked through an elicitation request"),
  outputFormat: forwarded,
  pathToClaudeCodeExecutable: refused(CONTAINER_PROGRAM),
  perTaskStopAffordance: forwarded,
  permissionMode: forwarded,
  permissionPromptToolName: forwarded,
  permissionPrompts: forwarded,
  persistSession: refused("sessions are always stored: delete one that is not to stay", true),
  planModeInstructions: forwarded,
  pluginDelivery: forwarded,
  plugins: as(PATHS),
  projectConfigRoot: as(PATHS),
  promptSuggestions: as("only a streaming prompt that is still open sees them"),
  resume: as("its options are replaced by the ones given"),
  resumeDropsTurn: refused("a session is never cut off: branch it with forkSession"),
  resumeSessionAt: as("together with forkSession; by itself it would drop a part of the session"),
  sandbox: forwarded,
  sessionId: forwarded,
  sessionStore: refused("the deployment is the store"),
  sessionStoreFlush: refused("the deployment is the store, and entries go there at once"),
  settingSources: as("none by default: the container holds no settings of the caller's"),
  settings: as("an object, or a file in the container"),
  skills: forwarded,
  spawnClaudeCodeProcess: refused(CONTAINER_PROGRAM),
  stderr: refused("what the process writes to standard error is in the container's log"),
  strictMcpConfig: as("true by default"),
  supportedDialogKinds: forwarded,
  systemPrompt: forwarded,
  taskBudget: forwarded,
  thinking: forwarded,
  title: as("the session's title"),
  toolAliases: forwarded,
  toolConfig: forwarded,
  tools: forwarded,
  verbatimPrompts: as(
    "false by default, as in the Agent SDK; true for sessions.create() and edge.query()",
  ),
} as const satisfies Record<keyof Required<Options>, Parity>;

type QueryMethod = Exclude<keyof Query, keyof AsyncGenerator>;

/** Every method of the pinned Agent SDK's `Query`. */
export const METHODS = {
  accountInfo: forwarded,
  applyFlagSettings: forwarded,
  backgroundTasks: as("rejects: background tasks are off in the container"),
  close: caller("interrupts the turn and ends the stream; the session stays"),
  getContextUsage: forwarded,
  initializationResult: forwarded,
  interrupt: as("with POST /v1/sessions/{id}/interrupt; resolves to undefined"),
  mcpServerStatus: forwarded,
  readFile: forwarded,
  readMcpResource: forwarded,
  reconnectMcpServer: forwarded,
  reinitialize: refused("the stream is taken up again by itself, its requests with it"),
  reloadOutputStyles: forwarded,
  reloadPlugins: forwarded,
  reloadSkills: forwarded,
  rewindFiles: refused("needs enableFileCheckpointing, which sessions cannot have"),
  seedReadState: forwarded,
  setMaxThinkingTokens: forwarded,
  setMcpPermissionModeOverride: forwarded,
  setMcpServers: as("in-process servers through a tunnel, until the session's process is replaced"),
  setModel: as("holds for the session's later turns too"),
  setPermissionMode: as("holds for the session's later turns too"),
  stopTask: forwarded,
  streamInput: as("each message is a turn of its own, in order"),
  supportedAgents: forwarded,
  supportedCommands: forwarded,
  supportedModels: forwarded,
  toggleMcpServer: forwarded,
  updateSettings: forwarded,
  usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET: forwarded,
} as const satisfies Record<QueryMethod, Parity>;
