import { Command, Option } from "commander";

import type { Context } from "../context.js";
import {
  examples,
  lifetime,
  positive,
  positiveInteger,
  withAnswerFormat,
  withFiles,
  withSession,
  withTarget,
} from "./flags.js";

export const defineQuery = (context: Context): Command =>
  withTarget(
    withAnswerFormat(
      withSession(
        withFiles(
          new Command("query")
            .description("send a prompt and print the answer as it comes (also: claude-edge -p)")
            .argument(
              "[prompt]",
              "the prompt; - or nothing reads standard input, and piped input is added to a prompt",
            ),
        ),
      )
        .option("--session-id <uuid>", "the id of the new session")
        .option(
          "--expires <time>",
          "delete the new session so long after its last use: 30d, 12h, 45m",
          lifetime,
        )
        .option(
          "--max-turns <number>",
          "model calls with tools in between, at most",
          positiveInteger,
        )
        .option("--max-budget-usd <number>", "what the session may cost", positive)
        .option("--json-schema <schema>", "a JSON schema the answer must fit")
        .addOption(
          new Option(
            "--permission-prompts <where>",
            "host: what needs approval waits for claude-edge requests where there is no terminal to ask in; none: never ask",
          ).choices(["host", "none"]),
        ),
    ),
  )
    .addHelpText(
      "after",
      examples(
        'claude-edge query "What does this project do?"',
        'git diff | claude-edge query "Review this" --model claude-sonnet-5-5',
        'claude-edge query -c "And the tests?" --output-format json | jq .result',
        'claude-edge query "What is wrong in this picture?" --file screenshot.png',
        'claude-edge query "What is new in here?" --repo https://github.com/honojs/hono --repo-depth 50',
      ),
    )
    .action(async (prompt: string | undefined, options) => {
      const { query } = await import("../commands/query.js");
      context.exitCode = await query(prompt, options, context);
    });
