import type { HookCallback, HookEvent, Options } from "@anthropic-ai/claude-agent-sdk";

import { RESTORE_PATIENCE_MS, type SessionFiles } from "./session.js";

/** These change no file: they are spared the way to the runner and back. */
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
const MAY_WRITE = `^(?!(?:${READ_ONLY.join("|")})$)`;

/** How long a checkpoint may take before the agent goes on without it, seconds. */
const CHECKPOINT_TIMEOUT_S = 600;

type Hooks = NonNullable<Options["hooks"]>;

/** Takes a checkpoint behind every tool: the agent says what the tool gave when these hooks are done, not before. */
export function checkpointHooks(onToolDone: () => Promise<void>): Hooks {
  const callback: HookCallback = async () => {
    await onToolDone();
    return {};
  };
  const matchers = [{ matcher: MAY_WRITE, hooks: [callback], timeout: CHECKPOINT_TIMEOUT_S }];
  return { PostToolUse: matchers, PostToolUseFailure: matchers };
}

/** Has every tool wait until the files that it may need are there. */
export function restoreHooks(files: SessionFiles): Hooks {
  const callback: HookCallback = async (_input, _toolUseId, { signal }) => {
    if (files.isWhole()) return {};
    let onAbort = () => {};
    const given = new Promise<void>((resolve) => {
      onAbort = resolve;
      signal.addEventListener("abort", onAbort, { once: true });
    });
    const patience = setTimeout(onAbort, RESTORE_PATIENCE_MS);
    await Promise.race([files.untilWhole(), given]);
    clearTimeout(patience);
    signal.removeEventListener("abort", onAbort);
    if (files.isWhole()) return {};
    return {
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "deny",
        permissionDecisionReason: "The files of the session did not come into the container.",
      },
    };
  };
  const timeout = RESTORE_PATIENCE_MS / 1000 + 60;
  return { PreToolUse: [{ hooks: [callback], timeout }] };
}

/** All hooks of some options, in that order. */
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
