import type { Options } from "@anthropic-ai/claude-agent-sdk";
import * as z from "zod";

import {
  user,
  drain,
  scenario,
  BASH,
  asking,
  PNG,
  Prompts,
  conversation,
  type Api,
  type Log,
  type Scenario,
} from "../program.ts";

/** Three tools: one slow and telling of its progress, one that fails, one that gives an image. */
export const workshop = (log: Log, { tool, createSdkMcpServer }: Api): Options => ({
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

/** In-process tools, and prompts that come one after the other. */
export const CONVERSATIONS: Scenario[] = [
  scenario(
    "in-process tools: slow, failing, image",
    [
      '%tool mcp__workshop__slow {"steps":3}',
      '%say Slow.\n%tool mcp__workshop__failing {"reason":"out of nails"}',
      "%say Failed.\n%tool mcp__workshop__image {}",
      "%say Drawn.",
    ].join("\n"),
    workshop,
  ),
  scenario(
    "in-process tools: an input that does not fit",
    '%tool mcp__workshop__slow {"steps":"many"}\n%say Hm.',
    workshop,
  ),
  scenario(
    "in-process tools: one asks first",
    "%tool mcp__workshop__image {}\n%say Drawn.",
    (log, api) => {
      const { mcpServers } = workshop(log, api);
      return {
        ...asking((input) => ({ behavior: "allow", updatedInput: input }))(log),
        mcpServers: mcpServers!,
      };
    },
  ),

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
        // At a message: a moment after the beginning, either of the two may have said more than the other.
        if (message.type === "assistant" && results === 0) {
          void query.interrupt().catch(() => {});
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
        if (message.type === "assistant") abortController.abort();
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
];
