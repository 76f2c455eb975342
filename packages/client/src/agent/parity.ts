import type { HookEvent, Options, Query } from "@anthropic-ai/claude-agent-sdk";

/**
 * What becomes of an option, or of a method, of the Agent SDK over the network.
 * `forwarded`: it goes to the container. `caller`: it runs here, in the program that called `query()`.
 * `ignored`: it has no meaning there, and is passed over with one warning. `refused`: it is not taken, for the reason given.
 */
export type Parity =
  | { class: "forwarded" | "caller"; note?: string }
  | { class: "ignored"; reason: string }
  | Refused;

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

const ignored = (reason: string): Parity => ({ class: "ignored", reason });

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
  cwd: as(
    "a folder of the session's workspace, made if need be; a path of the caller's machine is the workspace itself, with one warning",
  ),
  debug: as(
    "what it writes comes by `stderr`; in the container's log it is with `CLAUDE_EDGE_LOG_CONTENT`",
  ),
  debugFile: ignored(
    "the file would be in the container; `debug: true` with `stderr` brings the lines here",
  ),
  disallowedTools: forwarded,
  effort: forwarded,
  enableFileCheckpointing: caller(
    "sessions have checkpoints of their own, of all files, whether it is set or not",
  ),
  env: as(
    "what the program adds to its own environment goes to the session's processes. Variables that it has itself, and those that the deployment sets (`PATH`, `HOME`, `ANTHROPIC_*`, proxies), stay here with one warning. A credential of a well-known service becomes a secret of the session; any other is refused: set it as a secret",
  ),
  executable: ignored(CONTAINER_PROGRAM),
  executableArgs: ignored(CONTAINER_PROGRAM),
  extraArgs: refused(
    "raw arguments could undo what keeps a session alive and apart from others. `replay-user-messages` alone is taken",
  ),
  fallbackModel: forwarded,
  forkSession: as("a new session, with POST /v1/sessions/{id}/fork"),
  forwardSubagentText: forwarded,
  hooks: caller("each call is a hook request; after those of agent.config.ts"),
  includeHookEvents: forwarded,
  includePartialMessages: as("the container always sends them; without it they are left out here"),
  loadTimeoutMs: ignored("sessions are loaded by the deployment"),
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
  pathToClaudeCodeExecutable: ignored(CONTAINER_PROGRAM),
  perTaskStopAffordance: forwarded,
  permissionMode: forwarded,
  permissionPromptToolName: forwarded,
  permissionPrompts: forwarded,
  persistSession: caller(
    "`false`: the session is deleted at the end of the query, or an hour after its last activity if the program ends before. Not for a session that is resumed: branch it with forkSession",
  ),
  planModeInstructions: forwarded,
  pluginDelivery: forwarded,
  plugins: as(PATHS),
  projectConfigRoot: as(PATHS),
  promptSuggestions: as("only a streaming prompt that is still open sees them"),
  resume: as("its options are replaced by the ones given"),
  resumeDropsTurn: refused("a session is never cut off: branch it with forkSession"),
  resumeSessionAt: as(
    "branches the session there, with or without forkSession: nothing of it is lost",
  ),
  sandbox: forwarded,
  sessionId: forwarded,
  sessionStore: refused("the deployment is the store"),
  sessionStoreFlush: ignored("the deployment is the store, and entries go there at once"),
  settingSources: as("none by default: the container holds no settings of the caller's"),
  settings: as("an object, or a file in the container"),
  skills: forwarded,
  spawnClaudeCodeProcess: ignored(CONTAINER_PROGRAM),
  stderr: caller("called with what the process writes during a turn, up to 1 MiB of it a turn"),
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

const asked = caller("as a hook request; without its caller the hook fails, and the agent goes on");
const guarding = (what: string) => caller(`as a hook request; without its caller ${what}`);

/** Every hook event of the pinned Agent SDK. */
export const HOOKS = {
  ConfigChange: asked,
  CwdChanged: asked,
  DirectoryAdded: asked,
  Elicitation: asked,
  ElicitationResult: asked,
  FileChanged: asked,
  InstructionsLoaded: asked,
  MessageDisplay: asked,
  Notification: asked,
  PermissionDenied: asked,
  PermissionRequest: guarding("the permission is denied"),
  PostCompact: asked,
  PostModelSwitch: asked,
  PostToolBatch: asked,
  PostToolUse: asked,
  PostToolUseFailure: asked,
  PreCompact: asked,
  PreModelSwitch: asked,
  PreSkillShellCommand: guarding("the command does not run"),
  PreToolUse: guarding("the tool does not run"),
  SessionEnd: asked,
  SessionStart: asked,
  Setup: asked,
  Stop: asked,
  StopFailure: asked,
  SubagentStart: asked,
  SubagentStop: asked,
  TaskCompleted: asked,
  TaskCreated: asked,
  TeammateIdle: asked,
  UserPromptExpansion: asked,
  UserPromptSubmit: guarding("the prompt is blocked"),
  WorktreeCreate: asked,
  WorktreeRemove: asked,
} as const satisfies Record<HookEvent, Parity>;

type QueryMethod = Exclude<keyof Query, keyof AsyncGenerator>;

/** Every method of the pinned Agent SDK's `Query`. */
export const METHODS = {
  accountInfo: forwarded,
  applyFlagSettings: forwarded,
  backgroundTasks: as("[docs/background.md](background.md)"),
  close: caller(
    "interrupts the turn, stops the tasks of the query and ends the stream; the session stays",
  ),
  getContextUsage: forwarded,
  initializationResult: forwarded,
  interrupt: as("with POST /v1/sessions/{id}/interrupt"),
  mcpServerStatus: as("values of headers and variables, arguments and paths of URLs are `***`"),
  readFile: forwarded,
  readMcpResource: forwarded,
  reconnectMcpServer: forwarded,
  reinitialize: refused("the stream is taken up again by itself, its requests with it"),
  reloadOutputStyles: forwarded,
  reloadPlugins: as("servers as in `mcpServerStatus`"),
  reloadSkills: forwarded,
  rewindFiles: as(
    "by the session's checkpoints, which hold every file, not those alone that tools of the agent edited; waits for the query's turns to end. Paths are relative to the workspace, and lines are not counted",
  ),
  seedReadState: forwarded,
  setMaxThinkingTokens: forwarded,
  setMcpPermissionModeOverride: forwarded,
  setMcpServers: as("in-process servers through a tunnel, until the session's process is replaced"),
  setModel: as("holds for the session's later turns too"),
  setPermissionMode: as("the mode in effect holds for the session's later turns, whatever set it"),
  stopTask: as("[docs/background.md](background.md)"),
  streamInput: as(
    "a message that comes while a turn of the query runs steers it, by its `priority`; it is a turn all the same, with its `uuid` as id unless a turn of the account has that id already",
  ),
  supportedAgents: forwarded,
  supportedCommands: forwarded,
  supportedModels: forwarded,
  toggleMcpServer: forwarded,
  updateSettings: forwarded,
  usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET: forwarded,
} as const satisfies Record<QueryMethod, Parity>;
