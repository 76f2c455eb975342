import type * as sdk from "@anthropic-ai/claude-agent-sdk";
import type { HookEvent, Options } from "@anthropic-ai/claude-agent-sdk";

import { HOOKS } from "../../../packages/client/src/agent/parity.ts";
import { scenario, BASH, asking, type Log, type Scenario } from "../program.ts";
import { AGENTS, DELEGATE } from "./tools.ts";

/** Those that the parity table has, which are all. */
const HOOK_EVENTS = Object.keys(HOOKS) as HookEvent[];

/** Every hook event, each call written down. */
const allHooks = (log: Log): Options["hooks"] =>
  Object.fromEntries(
    HOOK_EVENTS.map((event) => [
      event,
      [
        {
          hooks: [
            async (input: sdk.HookInput, toolUseId: string | undefined) => {
              log("hook", { event, input, toolUseId });
              return {};
            },
          ],
        },
      ],
    ]),
  );

const onToolUse =
  (event: HookEvent, output: sdk.HookJSONOutput) =>
  (log: Log): Options => ({
    allowedTools: ["Bash"],
    hooks: {
      [event]: [
        {
          matcher: "Bash",
          hooks: [
            async (_input: sdk.HookInput, toolUseId: string | undefined) => {
              log("hook", { event, toolUseId });
              return output;
            },
          ],
        },
      ],
    },
  });

/** Permissions, questions and hooks: what runs in the program. */
export const CALLBACKS: Scenario[] = [
  scenario(
    "permission: allowed",
    BASH,
    asking((input) => ({ behavior: "allow", updatedInput: input })),
  ),
  scenario(
    "permission: denied",
    BASH,
    asking(() => ({ behavior: "deny", message: "Not today." })),
  ),
  scenario(
    "permission: with another input",
    BASH,
    asking(() => ({ behavior: "allow", updatedInput: { command: "echo two" } })),
  ),
  scenario(
    "permission: denied and interrupted",
    BASH,
    asking(() => ({ behavior: "deny", message: "Stop.", interrupt: true })),
  ),
  scenario(
    "permission: the callback throws",
    BASH,
    asking(() => {
      throw new Error("callback broke");
    }),
  ),
  scenario(
    "a question, answered",
    '%tool AskUserQuestion {"questions":[{"question":"Which?","header":"Pick","options":[{"label":"A","description":"a"},{"label":"B","description":"b"}],"multiSelect":false}]}\n%say Thanks.',
    asking((input) => ({
      behavior: "allow",
      updatedInput: { ...input, answers: { "Which?": "B" } },
    })),
  ),

  scenario("hooks: every event, around a tool", BASH, (log) => ({
    allowedTools: ["Bash"],
    hooks: allHooks(log)!,
  })),
  scenario(
    "hooks: every event, around a failing tool",
    '%tool Bash {"command":"exit 3"}\n%say Failed.',
    (log) => ({
      allowedTools: ["Bash"],
      hooks: allHooks(log)!,
    }),
  ),
  scenario("hooks: every event, around a denied tool", BASH, (log) => ({
    ...asking(() => ({ behavior: "deny", message: "No." }))(log),
    hooks: allHooks(log)!,
  })),
  scenario("hooks: every event, around a subagent", DELEGATE, (log) => ({
    agents: AGENTS!,
    hooks: allHooks(log)!,
  })),
  scenario("hooks: every event, around a failing model", "%error 400", (log) => ({
    hooks: allHooks(log)!,
  })),
  scenario("hooks: their events in the stream", BASH, (log) => ({
    ...onToolUse("PreToolUse", {})(log),
    includeHookEvents: true,
  })),
  scenario(
    "hooks: PreToolUse denies",
    BASH,
    onToolUse("PreToolUse", {
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "deny",
        permissionDecisionReason: "Not on my watch.",
      },
    }),
  ),
  scenario(
    "hooks: PreToolUse changes the input",
    BASH,
    onToolUse("PreToolUse", {
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "allow",
        updatedInput: { command: "echo three" },
      },
    }),
  ),
  scenario(
    "hooks: PostToolUse adds context",
    BASH,
    onToolUse("PostToolUse", {
      hookSpecificOutput: { hookEventName: "PostToolUse", additionalContext: "Mind the gap." },
    }),
  ),
  scenario(
    "hooks: PostToolUse stops",
    BASH,
    onToolUse("PostToolUse", {
      continue: false,
      stopReason: "Enough.",
    }),
  ),
  scenario("hooks: UserPromptSubmit blocks", "%say Never.", {
    hooks: { UserPromptSubmit: [{ hooks: [async () => ({ decision: "block", reason: "No." })] }] },
  }),
  scenario("hooks: one throws", "%say Still.", {
    hooks: {
      UserPromptSubmit: [
        {
          hooks: [
            async () => {
              throw new Error("hook broke");
            },
          ],
        },
      ],
    },
  }),
];
