import type * as sdk from "@anthropic-ai/claude-agent-sdk";
import type { HookEvent, Options, SDKMessage, SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import * as z from "zod";

/** What a program imports: from the Agent SDK, or from the client. */
export type Api = Pick<typeof sdk, "query" | "tool" | "createSdkMcpServer">;

/** Writes down what the program sees, in the order it sees it. */
export type Log = (kind: string, value: unknown) => void;

/** A program, written for the Agent SDK. */
export interface Scenario {
  name: string;
  run(api: Api, log: Log): Promise<void>;
}

const HOOK_EVENTS: HookEvent[] = [
  "PreToolUse",
  "PostToolUse",
  "PostToolUseFailure",
  "PostToolBatch",
  "Notification",
  "UserPromptSubmit",
  "UserPromptExpansion",
  "SessionStart",
  "SessionEnd",
  "Stop",
  "StopFailure",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "PostCompact",
  "PreModelSwitch",
  "PostModelSwitch",
  "PermissionRequest",
  "PermissionDenied",
  "Setup",
  "TeammateIdle",
  "TaskCreated",
  "TaskCompleted",
  "Elicitation",
  "ElicitationResult",
  "ConfigChange",
  "WorktreeCreate",
  "WorktreeRemove",
  "InstructionsLoaded",
  "CwdChanged",
  "FileChanged",
  "DirectoryAdded",
  "MessageDisplay",
];

const user = (text: string): SDKUserMessage => ({
  type: "user",
  message: { role: "user", content: text },
  parent_tool_use_id: null,
});

/** Reads a query to its end, however that is. */
async function drain(
  messages: AsyncIterable<SDKMessage>,
  log: Log,
  onMessage: (message: SDKMessage) => void = () => {},
): Promise<void> {
  try {
    for await (const message of messages) {
      log("message", message);
      onMessage(message);
    }
    log("end", null);
  } catch (error) {
    const { name, message } = error as Error;
    log("throws", { name, message });
  }
}

const scenario = (
  name: string,
  prompt: string,
  options: Options | ((log: Log, api: Api) => Options) = {},
): Scenario => ({
  name,
  run: async (api, log) => {
    const given = typeof options === "function" ? options(log, api) : options;
    await drain(api.query({ prompt, options: given }), log);
  },
});

const BASH = '%say First.\n%tool Bash {"command":"echo one > one.txt; cat one.txt"}\n%say Last.';

const asking =
  (answer: (input: Record<string, unknown>) => sdk.PermissionResult) =>
  (log: Log): Options => ({
    permissionMode: "default",
    canUseTool: async (name, input, { signal: _signal, requestId: _id, ...rest }) => {
      log("canUseTool", { name, input, rest });
      return answer(input);
    },
  });

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

const onToolUse = (event: HookEvent, output: sdk.HookJSONOutput) => (log: Log): Options => ({
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

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Three tools: one slow and telling of its progress, one that fails, one that gives an image. */
const workshop = (log: Log, { tool, createSdkMcpServer }: Api): Options => ({
  allowedTools: ["mcp__workshop__slow", "mcp__workshop__failing", "mcp__workshop__image"],
  mcpServers: {
    workshop: createSdkMcpServer({
      name: "workshop",
      instructions: "Use these for work.",
      alwaysLoad: true,
      tools: [
        tool("slow", "Takes its time", { steps: z.number() }, async ({ steps }, extra) => {
          const { sendNotification, _meta } = extra as {
            sendNotification: (note: unknown) => Promise<void>;
            _meta?: { progressToken?: string };
          };
          log("tool", { name: "slow", steps, hasToken: _meta?.progressToken !== undefined });
          for (let step = 1; step <= steps; step += 1) {
            await new Promise((resolve) => setTimeout(resolve, 20));
            if (_meta?.progressToken === undefined) continue;
            await sendNotification({
              method: "notifications/progress",
              params: { progressToken: _meta.progressToken, progress: step, total: steps },
            });
          }
          return { content: [{ type: "text", text: `${steps} steps` }] };
        }),
        tool("failing", "Fails", { reason: z.string() }, async ({ reason }) => {
          log("tool", { name: "failing", reason });
          throw new Error(reason);
        }),
        tool("image", "Draws", {}, async () => {
          log("tool", { name: "image" });
          return { content: [{ type: "image", data: PNG, mimeType: "image/png" }] };
        }),
      ],
    }),
  },
});

const SCHEMA = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "number" } },
  required: ["name", "age"],
};
const outputFormat = { type: "json_schema" as const, schema: SCHEMA };

const AGENTS: Options["agents"] = {
  helper: { description: "Helps", prompt: "You help.", tools: ["Bash"] },
};
const DELEGATE =
  '%say Delegating.\n%tool Agent {"description":"help","prompt":"%say I am the helper.","subagent_type":"helper","run_in_background":false}\n%say Helped.';

/** Hands out prompts, each when the one before has its result. */
class Prompts {
  readonly #waiting: SDKUserMessage[] = [];
  #wake: () => void = () => {};
  #closed = false;

  push(text: string): void {
    this.#waiting.push(user(text));
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SDKUserMessage> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) yield next;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

async function conversation(
  api: Api,
  log: Log,
  texts: string[],
  options: Options = {},
  between: (query: sdk.Query, turn: number) => Promise<void> = async () => {},
): Promise<void> {
  const prompts = new Prompts();
  const query = api.query({ prompt: prompts, options });
  const left = [...texts];
  prompts.push(left.shift()!);
  let turn = 0;
  await drain(query, log, (message) => {
    if (message.type !== "result") return;
    turn += 1;
    void between(query, turn).then(() => {
      const next = left.shift();
      if (next === undefined) prompts.close();
      else prompts.push(next);
    });
  });
}

export const SCENARIOS: Scenario[] = [
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
  scenario("a file is written and read", [
    '%tool Write {"file_path":"note.txt","content":"hello"}',
    '%say Written.\n%tool Bash {"command":"cat note.txt"}\n%say Read.',
  ].join("\n"), { permissionMode: "acceptEdits", allowedTools: ["Bash"] }),
  scenario("two tools in one answer", '%tool Bash {"command":"echo a"}\n%tool Bash {"command":"echo b"}\n%say Both.', {
    allowedTools: ["Bash"],
  }),
  scenario("a tool that fails", '%tool Bash {"command":"echo bad >&2; exit 3"}\n%say It failed.', {
    allowedTools: ["Bash"],
  }),

  scenario("permission: allowed", BASH, asking((input) => ({ behavior: "allow", updatedInput: input }))),
  scenario("permission: denied", BASH, asking(() => ({ behavior: "deny", message: "Not today." }))),
  scenario("permission: with another input", BASH,
    asking(() => ({ behavior: "allow", updatedInput: { command: "echo two" } })),
  ),
  scenario("permission: denied and interrupted", BASH,
    asking(() => ({ behavior: "deny", message: "Stop.", interrupt: true })),
  ),
  scenario("permission: the callback throws", BASH,
    asking(() => {
      throw new Error("callback broke");
    }),
  ),
  scenario("a question, answered",
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
  scenario("hooks: every event, around a failing tool", '%tool Bash {"command":"exit 3"}\n%say Failed.', (log) => ({
    allowedTools: ["Bash"],
    hooks: allHooks(log)!,
  })),
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
  scenario("hooks: PreToolUse denies", BASH, onToolUse("PreToolUse", {
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision: "deny",
      permissionDecisionReason: "Not on my watch.",
    },
  })),
  scenario("hooks: PreToolUse changes the input", BASH, onToolUse("PreToolUse", {
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision: "allow",
      updatedInput: { command: "echo three" },
    },
  })),
  scenario("hooks: PostToolUse adds context", BASH, onToolUse("PostToolUse", {
    hookSpecificOutput: { hookEventName: "PostToolUse", additionalContext: "Mind the gap." },
  })),
  scenario("hooks: PostToolUse stops", BASH, onToolUse("PostToolUse", {
    continue: false,
    stopReason: "Enough.",
  })),
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

  scenario("in-process tools: slow, failing, image", [
    '%tool mcp__workshop__slow {"steps":3}',
    '%say Slow.\n%tool mcp__workshop__failing {"reason":"out of nails"}',
    "%say Failed.\n%tool mcp__workshop__image {}",
    "%say Drawn.",
  ].join("\n"), workshop),
  scenario("in-process tools: an input that does not fit", '%tool mcp__workshop__slow {"steps":"many"}\n%say Hm.', workshop),
  scenario("in-process tools: one asks first", '%tool mcp__workshop__image {}\n%say Drawn.', (log, api) => {
    const { mcpServers } = workshop(log, api);
    return { ...asking((input) => ({ behavior: "allow", updatedInput: input }))(log), mcpServers: mcpServers! };
  }),

  {
    name: "a streaming prompt with three messages",
    run: (api, log) => conversation(api, log, ["%say One.", "%say Two.", "%say Three."]),
  },
  {
    name: "a streaming prompt, an error in the middle",
    run: (api, log) => conversation(api, log, ["%say One.", "%error 400", "%say Three."]),
  },
  {
    name: "a streaming prompt, an error at the end",
    run: (api, log) => conversation(api, log, ["%say One.", "%error 400"]),
  },
  {
    name: "content blocks",
    run: async (api, log) => {
      const prompts = new Prompts();
      const query = api.query({
        prompt: (async function* () {
          yield {
            ...user(""),
            message: {
              role: "user" as const,
              content: [
                { type: "text" as const, text: "%say I see." },
                {
                  type: "image" as const,
                  source: { type: "base64" as const, media_type: "image/png" as const, data: PNG },
                },
              ],
            },
          };
          yield* prompts;
        })(),
      });
      await drain(query, log, ({ type }) => type === "result" && prompts.close());
    },
  },
  {
    name: "the model and the mode are changed between turns",
    run: (api, log) =>
      conversation(
        api,
        log,
        ["%say One.", BASH, "%say Three."],
        { permissionMode: "default" },
        async (query, turn) => {
          if (turn === 1) await query.setModel("claude-haiku-4-5");
          if (turn === 1) await query.setPermissionMode("dontAsk");
          if (turn === 2) await query.setModel();
        },
      ),
  },
  {
    name: "interrupted",
    run: async (api, log) => {
      const prompts = new Prompts();
      const query = api.query({ prompt: prompts });
      prompts.push("%say Wait for it.\n%wait 20000\n%say Never.");
      let results = 0;
      await drain(query, log, (message) => {
        if (message.type === "system" && message.subtype === "init" && results === 0) {
          setTimeout(() => void query.interrupt().catch(() => {}), 500);
        }
        if (message.type !== "result") return;
        results += 1;
        if (results === 1) prompts.push("%say Back.");
        else prompts.close();
      });
    },
  },
  {
    name: "aborted",
    run: async (api, log) => {
      const abortController = new AbortController();
      const query = api.query({
        prompt: "%say Wait for it.\n%wait 20000\n%say Never.",
        options: { abortController },
      });
      await drain(query, log, (message) => {
        if (message.type === "system") setTimeout(() => abortController.abort(), 300);
      });
    },
  },
  {
    name: "left by break",
    run: async (api, log) => {
      for await (const message of api.query({ prompt: "%say One.\n%wait 20000\n%say Never." })) {
        log("message", message);
        if (message.type === "system") break;
      }
      log("end", null);
    },
  },

  scenario("a subagent", DELEGATE, { agents: AGENTS! }),
  scenario("a subagent, all it says", DELEGATE, { agents: AGENTS!, forwardSubagentText: true }),
  scenario("a subagent that asks",
    '%tool Agent {"description":"help","prompt":"%tool Bash {\\"command\\":\\"echo sub > s.txt\\"}\\n%say Did it.","subagent_type":"helper","run_in_background":false}\n%say Helped.',
    (log) => ({
      ...asking((input) => ({ behavior: "allow", updatedInput: input }))(log),
      agents: AGENTS!,
    }),
  ),

  scenario("structured output", '%tool StructuredOutput {"name":"Ada","age":36}', { outputFormat }),
  scenario("structured output, mended",
    '%tool StructuredOutput {"name":"Ada"}\n%say Again.\n%tool StructuredOutput {"name":"Ada","age":36}',
    { outputFormat },
  ),
  scenario("structured output, never given", "%say I would rather talk.\n%wait 1\n%say Still talking.", {
    outputFormat,
  }),
  scenario("structured output, always wrong",
    Array.from({ length: 12 }, () => '%tool StructuredOutput {"name":"Ada"}\n%say Again.').join("\n"),
    { outputFormat },
  ),

  scenario("too many turns", Array.from({ length: 4 }, (_, n) => `%tool Bash {"command":"echo ${n}"}\n%say Next.`).join("\n"), {
    allowedTools: ["Bash"],
    maxTurns: 2,
  }),
  scenario("over budget", Array.from({ length: 4 }, (_, n) => `%tool Bash {"command":"echo ${n}"}\n%say Next.`).join("\n"), {
    allowedTools: ["Bash"],
    maxBudgetUsd: 0.000_1,
  }),

  scenario("model errors: once, then an answer", "%error 529 1\n%say Better."),
  scenario("model errors: rate limited", "%error 429"),
  scenario("model errors: overloaded", "%error 529"),
  scenario("model errors: a bad request", "%error 400"),
  scenario("model errors: no such model", "%error 404"),
  scenario("model errors: broken", "%error 500"),
  scenario("model errors: cut in mid-stream", "%cut 1\n%say Whole words in the end."),
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
      log("supportedCommands", (await query.supportedCommands()).map(({ name }) => name));
      log("mcpServerStatus", await query.mcpServerStatus());
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
