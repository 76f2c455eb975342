import type { ControlMethod } from "../callbacks.js";
import type { ControlBody } from "./frames.js";

/** A method of the Agent SDK's `Query` that a control request asks for. */
export interface Call {
  method: Exclude<ControlMethod, "mcpMessage" | "setMcpServers"> | "rewindFiles";
  args: unknown[];
  /** The answer's payload, from what the method gives. @throws Error if that is a refusal. */
  payload: (result: unknown) => Record<string, unknown> | undefined;
}

interface Translation {
  method: Call["method"];
  args?: (body: ControlBody) => unknown[];
  payload?: Call["payload"];
}

/** What is an object is the payload itself. */
const asItIs: Call["payload"] = (result) =>
  typeof result === "object" && result !== null && !Array.isArray(result)
    ? (result as Record<string, unknown>)
    : undefined;

const CALLS: Record<string, Translation> = {
  apply_flag_settings: { method: "applyFlagSettings", args: ({ settings }) => [settings] },
  background_tasks: {
    method: "backgroundTasks",
    args: ({ tool_use_id }) => [tool_use_id],
    payload: (backgrounded) => ({ backgrounded }),
  },
  get_context_usage: { method: "getContextUsage", args: ({ detail }) => [stated({ detail })] },
  get_usage: {
    method: "usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET",
    args: ({ skip_behaviors }) => [stated({ skipBehaviors: skip_behaviors })],
  },
  mcp_read_resource: {
    method: "readMcpResource",
    args: ({ serverName, uri }) => [serverName, uri],
  },
  mcp_reconnect: { method: "reconnectMcpServer", args: ({ serverName }) => [serverName] },
  mcp_status: { method: "mcpServerStatus", payload: (mcpServers) => ({ mcpServers }) },
  mcp_toggle: {
    method: "toggleMcpServer",
    args: ({ serverName, enabled }) => [serverName, enabled],
  },
  read_file: {
    method: "readFile",
    args: ({ path, max_bytes, encoding }) => [path, stated({ maxBytes: max_bytes, encoding })],
    payload: (file) => {
      if (file === null || file === undefined) throw new Error("The file cannot be read.");
      return asItIs(file);
    },
  },
  reload_output_styles: { method: "reloadOutputStyles" },
  reload_plugins: {
    method: "reloadPlugins",
    args: ({ hold_on_cache_impact, refuse_if_busy }) => [
      stated({ holdOnCacheImpact: hold_on_cache_impact, refuseIfBusy: refuse_if_busy }),
    ],
  },
  reload_skills: { method: "reloadSkills" },
  rewind_files: {
    method: "rewindFiles",
    args: ({ user_message_id, dry_run }) => [user_message_id, { dryRun: dry_run === true }],
  },
  seed_read_state: { method: "seedReadState", args: ({ path, mtime }) => [path, mtime] },
  set_max_thinking_tokens: {
    method: "setMaxThinkingTokens",
    args: ({ max_thinking_tokens, thinking_display }) => [max_thinking_tokens, thinking_display],
  },
  set_mcp_permission_mode_override: {
    method: "setMcpPermissionModeOverride",
    args: ({ serverName, mode }) => [serverName, mode],
  },
  set_model: { method: "setModel", args: ({ model }) => [model] },
  set_permission_mode: { method: "setPermissionMode", args: ({ mode }) => [mode] },
  stop_task: { method: "stopTask", args: ({ task_id }) => [task_id] },
  update_settings: {
    method: "updateSettings",
    args: ({ source, settings }) => [source, settings],
  },
};

/** The fields that have a value; undefined without any. */
function stated(fields: Record<string, unknown>): object | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

/** The method that a control request asks for; undefined for one that no method answers. */
export function callOf(body: ControlBody): Call | undefined {
  if (!Object.hasOwn(CALLS, body.subtype)) return undefined;
  const { method, args = () => [], payload = asItIs } = CALLS[body.subtype]!;
  return { method, args: args(body), payload };
}
