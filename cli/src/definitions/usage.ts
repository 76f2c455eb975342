import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { examples, withTarget } from "./flags.js";

export const defineUsage = (context: Context): Command =>
  withTarget(
    new Command("usage")
      .description("what the account has used: turns, tokens and what they cost")
      .addOption(
        new Option("--by <what>", "what to split it by")
          .choices(["day", "session", "model"])
          .default("day"),
      )
      .option("--from <day>", "the first day, like 2026-11-01, in UTC")
      .option("--to <day>", "the last day, which is included")
      .option("--json", "a JSON object, with exact figures"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge usage --from 2026-11-01 --to 2026-11-30",
        "claude-edge usage --by model --account ada",
        "claude-edge usage --by session --json | jq '.groups[0]'",
      ),
    )
    .action(async (options) => {
      const { showUsage } = await import("../commands/show-usage.js");
      context.exitCode = await showUsage(options, context);
    });
