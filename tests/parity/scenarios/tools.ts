import type { Options } from "@anthropic-ai/claude-agent-sdk";

import { scenario, BASH, asking, type Scenario } from "../program.ts";

export const AGENTS: Options["agents"] = {
  helper: { description: "Helps", prompt: "You help.", tools: ["Bash"] },
};

export const DELEGATE =
  '%say Delegating.\n%tool Agent {"description":"help","prompt":"%say I am the helper.","subagent_type":"helper","run_in_background":false}\n%say Helped.';

/** What the agent says and does by itself, its subagents too. */
export const TOOLS: Scenario[] = [
  scenario("text", "%say Hello."),
  scenario("text, with its pieces", "%say Hello, this comes in pieces.", {
    includePartialMessages: true,
  }),
  scenario("thinking", "%think Let me see.\n%say Seen.", { includePartialMessages: true }),
  scenario("a system prompt", "%say Yes.", { systemPrompt: "You say yes." }),
  scenario("the preset system prompt, appended to", "%say Yes.", {
    systemPrompt: { type: "preset", preset: "claude_code", append: "Say yes." },
  }),
  scenario("another model", "%say Small.", { model: "claude-haiku-4-5" }),

  scenario("a tool that is allowed", BASH, { allowedTools: ["Bash"] }),
  scenario("a tool that nobody may allow", BASH, { permissionMode: "default" }),
  scenario("a tool without prompts", BASH, { permissionMode: "dontAsk" }),
  scenario("a tool that is not there", BASH, { tools: [] }),
  scenario(
    "a file is written and read",
    [
      '%tool Write {"file_path":"note.txt","content":"hello"}',
      '%say Written.\n%tool Bash {"command":"cat note.txt"}\n%say Read.',
    ].join("\n"),
    { permissionMode: "acceptEdits", allowedTools: ["Bash"] },
  ),
  scenario(
    "two tools in one answer",
    '%tool Bash {"command":"echo a"}\n%tool Bash {"command":"sleep 1; echo b"}\n%say Both.',
    {
      allowedTools: ["Bash"],
    },
  ),
  scenario("a tool that fails", '%tool Bash {"command":"echo bad >&2; exit 3"}\n%say It failed.', {
    allowedTools: ["Bash"],
  }),

  scenario(
    "options of this machine: a variable",
    '%tool Bash {"command":"echo [$ANSWER]"}\n%say Told.',
    {
      allowedTools: ["Bash"],
      env: { ANSWER: "42" },
    },
  ),
  scenario("options of this machine: what has no meaning in a container", "%say Here.", {
    loadTimeoutMs: 30_000,
    debugFile: "/dev/null",
    executable: "node",
    stderr: () => {},
  }),
  scenario("options of this machine: a session that is not kept", BASH, {
    allowedTools: ["Bash"],
    persistSession: false,
  }),

  scenario("a subagent", DELEGATE, { agents: AGENTS! }),
  scenario("a subagent, all it says", DELEGATE, { agents: AGENTS!, forwardSubagentText: true }),
  scenario(
    "a subagent that asks",
    '%tool Agent {"description":"help","prompt":"%tool Bash {\\"command\\":\\"echo sub > s.txt\\"}\\n%say Did it.","subagent_type":"helper","run_in_background":false}\n%say Helped.',
    (log) => ({
      ...asking((input) => ({ behavior: "allow", updatedInput: input }))(log),
      agents: AGENTS!,
    }),
  ),
];
