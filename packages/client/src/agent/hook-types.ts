/** Hooks, as the Agent SDK has them; `test/types.test.ts` compares them. */
import type { PermissionUpdate } from "./permission-types.js";

interface HookInputBase {
  session_id: string;
  transcript_path: string;
  cwd: string;
  prompt_id?: string;
  permission_mode?: string;
  /** The subagent it happens in; the main agent without it. */
  agent_id?: string;
  agent_type?: string;
  effort?: { level: string };
}

interface ToolFields {
  tool_name: string;
  tool_input: unknown;
  mcp_server?: { name: string; source: string };
}

interface ToolCallFields extends ToolFields {
  tool_use_id: string;
}

interface ModelSwitchFields {
  from_model: string;
  to_model: string;
  requested_model: string | null;
  context_tokens: number;
  prompt_cache_warm: boolean;
  cache_ttl: "5m" | "1h";
  estimated_cache_write_usd: number;
  pricing: "configured" | "catalog" | "default";
}

interface TaskFields {
  task_id: string;
  task_subject: string;
  task_description?: string;
  teammate_name?: string;
  team_name?: string;
}

interface StopFields {
  stop_hook_active: boolean;
  last_assistant_message?: string;
  background_tasks?: {
    id: string;
    type: string;
    status: string;
    description: string;
    [key: string]: unknown;
  }[];
  session_crons?: { id: string; schedule: string; [key: string]: unknown }[];
}

/** What each event tells beside what all of them tell. */
interface HookFields {
  PreToolUse: ToolCallFields;
  PostToolUse: ToolCallFields & { tool_response: unknown; duration_ms?: number };
  PostToolUseFailure: ToolCallFields & {
    error: string;
    is_interrupt?: boolean;
    duration_ms?: number;
  };
  PostToolBatch: {
    tool_calls: {
      tool_name: string;
      tool_input: unknown;
      tool_use_id: string;
      tool_response?: unknown;
    }[];
  };
  Notification: { message: string; title?: string; notification_type: string };
  UserPromptSubmit: { prompt: string; source?: string; session_title?: string };
  UserPromptExpansion: {
    expansion_type: "slash_command" | "mcp_prompt";
    command_name: string;
    command_args: string;
    command_source?: string;
    prompt: string;
  };
  SessionStart: {
    source: "startup" | "resume" | "clear" | "compact" | "fork";
    model?: string;
    session_title?: string;
    seconds_since_last_response?: number;
    context_tokens?: number;
    prompt_cache_likely_expired?: boolean;
    estimated_cache_write_usd?: number;
  };
  SessionEnd: { reason: string };
  Stop: StopFields;
  StopFailure: { error: string; error_details?: string; last_assistant_message?: string };
  SubagentStart: { agent_id: string; agent_type: string };
  SubagentStop: StopFields & {
    agent_id: string;
    agent_type: string;
    agent_transcript_path: string;
  };
  PreCompact: { trigger: "manual" | "auto"; custom_instructions: string | null };
  PostCompact: { trigger: "manual" | "auto"; compact_summary: string };
  PreModelSwitch: ModelSwitchFields & { source: string };
  PostModelSwitch: ModelSwitchFields & { source: string };
  PermissionRequest: ToolFields & { permission_suggestions?: PermissionUpdate[] };
  PermissionDenied: ToolCallFields & { reason: string };
  Setup: { trigger: "init" | "maintenance" };
  TeammateIdle: { teammate_name: string; team_name: string };
  TaskCreated: TaskFields;
  TaskCompleted: TaskFields;
  Elicitation: {
    mcp_server_name: string;
    message: string;
    mode?: "form" | "url";
    url?: string;
    elicitation_id?: string;
    requested_schema?: Record<string, unknown>;
  };
  ElicitationResult: {
    mcp_server_name: string;
    elicitation_id?: string;
    mode?: "form" | "url";
    action: "accept" | "decline" | "cancel";
    content?: Record<string, unknown>;
  };
  ConfigChange: { source: string; file_path?: string };
  WorktreeCreate: { name: string };
  WorktreeRemove: { worktree_path: string };
  InstructionsLoaded: {
    file_path: string;
    memory_type: "User" | "Project" | "Local" | "Managed";
    load_reason: string;
    globs?: string[];
    trigger_file_path?: string;
    parent_file_path?: string;
  };
  CwdChanged: { old_cwd: string; new_cwd: string };
  FileChanged: { file_path: string; event: "change" | "add" | "unlink" };
  DirectoryAdded: { directory: string; source: string };
  MessageDisplay: {
    turn_id: string;
    message_id: string;
    index: number;
    final: boolean;
    delta: string;
  };
  PreSkillShellCommand: {
    tool_name: string;
    tool_input: { command: string };
    tool_use_id: string;
    command_name: string;
    command_source?: string;
    invoked_by: "user" | "claude" | "other";
  };
}

/** What hooks can be called at: the Agent SDK's `HookEvent`. */
export type HookEvent = keyof HookFields;

/** What a hook is told: `hook_event_name` says which event it is, and with it which fields there are. */
export type HookInput = {
  [Event in HookEvent]: HookInputBase & HookFields[Event] & { hook_event_name: Event };
}[HookEvent];

interface Context {
  /** Given to the model. */
  additionalContext?: string;
}

interface Watch {
  watchPaths?: string[];
}

interface ElicitationFields {
  action?: "accept" | "decline" | "cancel";
  content?: Record<string, unknown>;
}

/** What a hook can answer to its event, for the events that take more than the common fields. */
interface HookAnswers {
  PreToolUse: Context & {
    permissionDecision?: "allow" | "deny" | "ask" | "defer";
    permissionDecisionReason?: string;
    updatedInput?: Record<string, unknown>;
  };
  PostToolUse: Context & {
    classifierContext?: string;
    updatedToolOutput?: unknown;
    updatedMCPToolOutput?: unknown;
  };
  PostToolUseFailure: Context;
  PostToolBatch: Context;
  Notification: Context;
  UserPromptSubmit: Context & { sessionTitle?: string; suppressOriginalPrompt?: boolean };
  UserPromptExpansion: Context & { suppressOriginalPrompt?: boolean };
  SessionStart: Context &
    Watch & { initialUserMessage?: string; sessionTitle?: string; reloadSkills?: boolean };
  Setup: Context;
  Stop: Context;
  SubagentStart: Context;
  SubagentStop: Context;
  PreModelSwitch: {
    permissionDecision?: "allow" | "deny" | "ask";
    permissionDecisionReason?: string;
  };
  PostModelSwitch: Context;
  PermissionRequest: {
    decision:
      | {
          behavior: "allow";
          updatedInput?: Record<string, unknown>;
          updatedPermissions?: PermissionUpdate[];
        }
      | { behavior: "deny"; message?: string; interrupt?: boolean };
  };
  PermissionDenied: { retry?: boolean };
  Elicitation: ElicitationFields;
  ElicitationResult: ElicitationFields;
  CwdChanged: Watch;
  FileChanged: Watch;
  WorktreeCreate: { worktreePath: string };
  MessageDisplay: { displayContent?: string };
  PreSkillShellCommand: {
    permissionDecision?: "allow" | "deny" | "ask" | "defer";
    permissionDecisionReason?: string;
    /** Never applied: any value keeps the command from running. */
    updatedInput?: Record<string, unknown>;
  };
}

/** What a hook answers: the Agent SDK's `HookJSONOutput`. An empty object changes nothing. */
export type HookJSONOutput =
  | { async: true; asyncTimeout?: number }
  | {
      continue?: boolean;
      suppressOutput?: boolean;
      stopReason?: string;
      decision?: "approve" | "block";
      systemMessage?: string;
      terminalSequence?: string;
      reason?: string;
      hookSpecificOutput?: {
        [Event in keyof HookAnswers]: HookAnswers[Event] & { hookEventName: Event };
      }[keyof HookAnswers];
    };

/** A hook: the Agent SDK's `HookCallback`. A method, so that one for some of the events is taken too. */
export type HookCallback = {
  call(
    input: HookInput,
    toolUseID: string | undefined,
    options: { signal: AbortSignal },
  ): Promise<HookJSONOutput>;
}["call"];

/** Hooks of one event, and for which of its calls: the Agent SDK's `HookCallbackMatcher`. */
export interface HookCallbackMatcher {
  /** The tool's name, for events of tools; a regular expression. All without it. */
  matcher?: string;
  hooks: HookCallback[];
  /** How long they may take, seconds. */
  timeout?: number;
  /** What becomes of the call when a hook fails. */
  onFailure?: "continue" | "block";
}

/** The hooks of a session, by event. */
export type Hooks = Partial<Record<HookEvent, HookCallbackMatcher[]>>;
