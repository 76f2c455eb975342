import type { HookCallback, HookEvent, Options } from "@anthropic-ai/claude-agent-sdk";

/** How long a prompt or a tool waits for the files of its workspace, milliseconds. */
export const RESTORE_PATIENCE_MS = 10 * 60_000;

/** Whether all of a workspace's files have arrived in the container. */
export interface WorkspaceReadiness {
  isComplete(): boolean;
  whenComplete(): Promise<void>;
}

/** These tools change no files, so they need no checkpoint. */
const READ_ONLY = [
  "Read",
  "Glob",
  "Grep",
  "LS",
  "WebFetch",
  "WebSearch",
  "TodoWrite",
  "AskUserQuestion",
  "ToolSearch",
  "EnterPlanMode",
  "ExitPlanMode",
  "ListMcpResourcesTool",
  "ReadMcpResourceTool",
  "TaskCreate",
  "TaskGet",
  "TaskList",
  "TaskUpdate",
];
/**
 * Not a file tool. A hook on it would also change results: after too many invalid outputs, Claude Code counts the last
 * one in `usage` only if there is a hook.
 */
const NO_TOOL = "StructuredOutput";
const MAY_WRITE = `^(?!(?:${[NO_TOOL, ...READ_ONLY].join("|")})$)`;

/** How long a checkpoint may take before the agent continues without it, seconds. */
const CHECKPOINT_TIMEOUT_S = 600;

type Hooks = NonNullable<Options["hooks"]>;

/** Takes a checkpoint after every tool: the agent emits the tool's result only when these hooks are done. */
export function checkpointHooks(onToolDone: () => Promise<void>): Hooks {
  const callback: HookCallback = async () => {
    await onToolDone();
    return {};
  };
  const matchers = [{ matcher: MAY_WRITE, hooks: [callback], timeout: CHECKPOINT_TIMEOUT_S }];
  return { PostToolUse: matchers, PostToolUseFailure: matchers };
}

/** Calls back when all tools of an answer of the main agent are done, before the model is called again. */
export function toolsDoneHooks(onToolsDone: () => Promise<void>): Hooks {
  const callback: HookCallback = async ({ agent_id: subagent }) => {
    if (subagent === undefined) await onToolsDone();
    return {};
  };
  return { PostToolBatch: [{ hooks: [callback] }] };
}

/** Makes every tool wait until the workspace is complete. */
export function restoreHooks(files: WorkspaceReadiness): Hooks {
  const callback: HookCallback = async (_input, _toolUseId, { signal }) => {
    if (files.isComplete()) return {};
    let onAbort = () => {};
    const aborted = new Promise<void>((resolve) => {
      onAbort = resolve;
      signal.addEventListener("abort", onAbort, { once: true });
    });
    const patience = setTimeout(onAbort, RESTORE_PATIENCE_MS);
    await Promise.race([files.whenComplete(), aborted]);
    clearTimeout(patience);
    signal.removeEventListener("abort", onAbort);
    if (files.isComplete()) return {};
    return {
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "deny",
        permissionDecisionReason: "The files of the session did not come into the container.",
      },
    };
  };
  const timeout = RESTORE_PATIENCE_MS / 1000 + 60;
  return { PreToolUse: [{ matcher: `^(?!${NO_TOOL}$)`, hooks: [callback], timeout }] };
}

/** Concatenates hooks, in the order given. */
export function joinHooks(...all: (Hooks | undefined)[]): Hooks {
  const joined: Hooks = {};
  for (const hooks of all) {
    for (const [event, matchers] of Object.entries(hooks ?? {})) {
      const name = event as HookEvent;
      joined[name] = [...(joined[name] ?? []), ...matchers];
    }
  }
  return joined;
}
