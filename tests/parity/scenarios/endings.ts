import type { McpServerStatus, Options, Query } from "@anthropic-ai/claude-agent-sdk";

import { BASH, drain, scenario, Prompts, type Scenario } from "../program.ts";
import { workshop } from "./conversations.ts";

const SCHEMA = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "number" } },
  required: ["name", "age"],
};

const outputFormat = { type: "json_schema" as const, schema: SCHEMA };

/** The servers' status once they are connected: that takes its time on either. */
async function connectedServers(query: Query): Promise<McpServerStatus[]> {
  for (;;) {
    const servers = await query.mcpServerStatus();
    const isConnected = servers.every(({ status }) => status === "connected");
    if (servers.length > 0 && isConnected) return servers;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How a turn can end, and how a session goes on. */
export const ENDINGS: Scenario[] = [
  scenario("structured output", '%tool StructuredOutput {"name":"Ada","age":36}', { outputFormat }),
  scenario(
    "structured output, mended",
    '%tool StructuredOutput {"name":"Ada"}\n%say Again.\n%tool StructuredOutput {"name":"Ada","age":36}',
    { outputFormat },
  ),
  scenario("structured output, never given", "%say I would rather talk.", {
    outputFormat,
  }),
  scenario(
    "structured output, always wrong",
    Array.from({ length: 12 }, () => '%tool StructuredOutput {"name":"Ada"}\n%say Again.').join(
      "\n",
    ),
    { outputFormat },
  ),

  scenario(
    "too many turns",
    Array.from({ length: 4 }, (_, n) => `%tool Bash {"command":"echo ${n}"}\n%say Next.`).join(
      "\n",
    ),
    {
      allowedTools: ["Bash"],
      maxTurns: 2,
    },
  ),
  scenario(
    "over budget",
    Array.from({ length: 4 }, (_, n) => `%tool Bash {"command":"echo ${n}"}\n%say Next.`).join(
      "\n",
    ),
    {
      allowedTools: ["Bash"],
      maxBudgetUsd: 0.000_1,
    },
  ),

  scenario("session states, and prompts that come back", BASH, {
    allowedTools: ["Bash"],
    env: { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1" },
    extraArgs: { "replay-user-messages": null },
  }),
  scenario("options that are not set", "%say Ready.", {
    model: "",
    maxTurns: 0,
    title: "",
    agent: "",
    sessionId: "",
    resumeSessionAt: "",
    permissionMode: null,
    mcpServers: null,
    outputFormat: null,
    hooks: { PreToolUse: null },
  } as unknown as Options),
  scenario("a prompt of blanks", " \n"),
  scenario("an empty prompt", ""),
  scenario("model errors: once, then an answer", "%error 529 1\n%say Better."),
  scenario("model errors: rate limited", "%error 429"),
  scenario("model errors: overloaded", "%error 529"),
  scenario("model errors: a bad request", "%error 400"),
  scenario("model errors: no such model", "%error 404"),
  scenario("model errors: broken", "%error 500"),
  // Three seconds for the beginning to arrive: what has not been read when the connection ends is lost to its reader.
  scenario("model errors: cut in mid-stream", "%cut 1 3000\n%say Whole words in the end."),
  scenario("model errors: dropped before it answered", "%drop 1\n%say Whole words in the end."),
  scenario("model errors: a refusal", "%say I\n%refuse"),

  {
    name: "resumed",
    run: async (api, log) => {
      let id = "";
      await drain(api.query({ prompt: "%say I am here." }), log, ({ session_id }) => {
        id = session_id ?? id;
      });
      await drain(api.query({ prompt: "What did I say?", options: { resume: id } }), log);
    },
  },
  {
    name: "continued",
    run: async (api, log) => {
      await drain(api.query({ prompt: "%say I am here." }), log);
      await drain(api.query({ prompt: "What did I say?", options: { continue: true } }), log);
    },
  },
  {
    name: "forked",
    run: async (api, log) => {
      let id = "";
      await drain(api.query({ prompt: "%say I am here." }), log, ({ session_id }) => {
        id = session_id ?? id;
      });
      const forks = new Set<string>();
      const options: Options = { resume: id, forkSession: true };
      await drain(api.query({ prompt: "What did I say?", options }), log, ({ session_id }) => {
        if (session_id) forks.add(session_id);
      });
      log("fork", { ids: forks.size, isOther: !forks.has(id) });
    },
  },
  {
    name: "resumed, but there is none",
    run: (api, log) =>
      drain(
        api.query({
          prompt: "%say Hm.",
          options: { resume: "11111111-1111-4111-8111-111111111111" },
        }),
        log,
      ),
  },
  {
    name: "a session id of one's own",
    run: async (api, log) => {
      const sessionId = crypto.randomUUID();
      const seen = new Set<string>();
      await drain(api.query({ prompt: "%say Mine.", options: { sessionId } }), log, (message) => {
        if (message.session_id) seen.add(message.session_id);
      });
      log("id", { isMine: seen.size === 1 && seen.has(sessionId) });
    },
  },
  {
    name: "methods",
    run: async (api, log) => {
      const prompts = new Prompts();
      const query = api.query({ prompt: prompts, options: workshop(log, api) });
      log("supportedModels", await query.supportedModels());
      log("supportedAgents", await query.supportedAgents());
      log(
        "supportedCommands",
        (await query.supportedCommands()).map(({ name }) => name),
      );
      log("mcpServerStatus", await connectedServers(query));
      log("accountInfo", await query.accountInfo());
      prompts.push("%say Hello.");
      await drain(query, log, ({ type }) => {
        if (type === "result") {
          void query
            .getContextUsage({ detail: "summary" })
            .then(({ model }) => log("getContextUsage", model))
            .then(() => prompts.close());
        }
      });
    },
  },
];
