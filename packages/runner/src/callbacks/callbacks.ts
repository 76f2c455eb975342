import type {
  CanUseTool,
  HookCallback,
  HookCallbackMatcher,
  HookEvent,
  HookJSONOutput,
  McpServerConfig,
  Options,
  PermissionResult,
} from "@anthropic-ai/claude-agent-sdk";
import type { CallbackAnswer, SessionOptions } from "@claude-edge/protocol";

import { McpTunnel } from "./mcp-tunnel.js";
import type { Requests } from "./requests.js";

/** What the callbacks need of their session. */
export interface CallbackContext {
  readonly requests: Requests;
  /** The MCP servers in the caller's process, by name. */
  readonly tunnels: Map<string, McpTunnel>;
  /** Whether a turn is running whose outcome is not decided yet. */
  readonly running: boolean;
  /** Whether tasks in the background may ask, or a turn that they cause: their process is kept. */
  readonly inBackground: boolean;
  /** The answer that a turn was resumed with, if it is about this tool use. */
  answerTo(toolUseId: string): CallbackAnswer | undefined;
  /** Resolves when the tool use is in the stored transcript: from then on the question can outlive the process. */
  whenStored(toolUseId: string): Promise<void>;
  /** How long a process is held for an answer that it need not stay for, milliseconds. */
  readonly holdMs: number;
}

/** A repeated question gets the same answer for this long, milliseconds. */
const REPEATED_MS = 60_000;

type WireServers = NonNullable<SessionOptions["mcpServers"]>;

/** Replaces the placeholders for callbacks in a session's options by functions that ask outside. */
export function withCallbacks(
  {
    hooks,
    canUseTool,
    onElicitation,
    onUserDialog,
    mcpServers,
    ...plain
  }: Omit<SessionOptions, "stderr">,
  context: CallbackContext,
): Partial<Options> {
  return {
    ...(plain as Partial<Options>),
    ...(canUseTool ? { canUseTool: askPermission(context) } : {}),
    ...(hooks ? { hooks: hooksOf(hooks, context) } : {}),
    ...(mcpServers ? { mcpServers: withTunnels(mcpServers, context) } : {}),
    ...(onElicitation
      ? {
          onElicitation: async (elicitation, { signal }) =>
            valueOf(
              await context.requests.ask("elicitation", { elicitation }, { signal }),
            ) as never,
        }
      : {}),
    ...(onUserDialog
      ? {
          onUserDialog: async (dialog, { signal }) =>
            valueOf(await context.requests.ask("elicitation", { dialog }, { signal })) as never,
        }
      : {}),
  } satisfies Partial<Options>;
}

/** MCP servers in the form that the Agent SDK takes: those in the caller's process become tunnels to it. */
export function withTunnels(
  servers: WireServers,
  { requests, tunnels }: CallbackContext,
): Record<string, McpServerConfig> {
  const configs = Object.entries(servers).map(([name, config]) => {
    if (config.type !== "sdk") return [name, config];
    const tunnel = new McpTunnel(name, requests);
    tunnels.set(name, tunnel);
    return [name, { ...config, instance: tunnel.instance }];
  });
  return Object.fromEntries(configs) as Record<string, McpServerConfig>;
}

/** The callback's return value. @throws Error with what it threw. */
function valueOf({ answer, error }: CallbackAnswer): Record<string, unknown> {
  if (error) throw new Error(error.message);
  return answer ?? {};
}

function askPermission(context: CallbackContext): CanUseTool {
  const ask: CanUseTool = async (toolName, input, { signal, ...options }) => {
    const { toolUseID, agentID } = options;
    const kept = context.answerTo(toolUseID);
    if (kept) return permissionOf(kept, input);
    const { running, inBackground } = context;
    if (!running && !inBackground) return { behavior: "deny", message: "The turn has ended." };
    // A subagent's question is lost with its process. A process that resumes at a tool of the caller's MCP server fails
    // before that server is connected. What tasks in the background caused is no turn, so nothing resumes it.
    const canWait = running && agentID === undefined && options.mcpServer?.source !== "sdk";
    if (canWait) await context.whenStored(toolUseID);
    const payload = {
      tool_name: toolName,
      tool_use_id: toolUseID,
      input,
      ...(agentID === undefined ? {} : { agent_id: agentID }),
      options,
    };
    const kind = toolName === "AskUserQuestion" ? "question" : "permission";
    const how = canWait ? { signal, holdMs: context.holdMs } : { signal, held: true };
    return permissionOf(await context.requests.ask(kind, payload, how), input);
  };
  // A process that resumes at a question asks it, and lists it again in its first response: the Agent SDK calls for both,
  // under the same request id, possibly for the second after the first was answered.
  const asked = new Map<string, ReturnType<CanUseTool>>();
  return (toolName, input, options) => {
    const { requestId } = options;
    const known = asked.get(requestId);
    if (known) return known;
    const answer = ask(toolName, input, options);
    asked.set(requestId, answer);
    const forget = () => void setTimeout(() => asked.delete(requestId), REPEATED_MS).unref();
    answer.then(forget, forget);
    return answer;
  };
}

function permissionOf(given: CallbackAnswer, input: Record<string, unknown>): PermissionResult {
  const { answers, behavior, ...rest } = valueOf(given);
  if (answers !== undefined) return { behavior: "allow", updatedInput: { ...input, answers } };
  if (behavior === "allow") return { updatedInput: input, ...rest, behavior };
  return { message: "Denied.", ...rest, behavior: "deny" };
}

function hooksOf(
  hooks: NonNullable<SessionOptions["hooks"]>,
  { requests }: CallbackContext,
): Partial<Record<HookEvent, HookCallbackMatcher[]>> {
  const callback =
    (event: string, matcher: number, hook: number): HookCallback =>
    async (input, toolUseId, { signal }) => {
      const payload = {
        event,
        matcher,
        hook,
        input,
        ...(toolUseId === undefined ? {} : { tool_use_id: toolUseId }),
      };
      const answer = await requests.ask("hook", payload, { signal });
      if (answer.error?.code === "caller_gone") return refusal(event, answer.error.message);
      return valueOf(answer) as HookJSONOutput;
    };
  const events = Object.entries(hooks).map(([event, matchers]) => [
    event,
    matchers.map(({ hooks: count, ...matcher }, place) => ({
      ...matcher,
      hooks: Array.from({ length: count }, (_, hook) => callback(event, place, hook)),
    })),
  ]);
  return Object.fromEntries(events) as Partial<Record<HookEvent, HookCallbackMatcher[]>>;
}

/** The output of a hook whose caller is gone: a hook that guards something denies. @throws Error for other hooks. */
function refusal(event: string, message: string): HookJSONOutput {
  switch (event) {
    case "PreToolUse":
    case "PreSkillShellCommand":
      return {
        hookSpecificOutput: {
          hookEventName: event,
          permissionDecision: "deny",
          permissionDecisionReason: message,
        },
      };
    case "PermissionRequest":
      return {
        hookSpecificOutput: { hookEventName: event, decision: { behavior: "deny", message } },
      };
    case "UserPromptSubmit":
      return { decision: "block", reason: message };
    default:
      throw new Error(message);
  }
}
