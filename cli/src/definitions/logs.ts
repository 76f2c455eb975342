import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { examples } from "./flags.js";

export const defineLogs = (context: Context): Command =>
  new Command("logs")
    .description(
      "print the log of Worker and containers: of the claude-edge dev of this folder, else of its deployment",
    )
    .option("-f, --follow", "go on with what comes; a deployment's log can only be followed")
    .addOption(
      new Option("--format <format>", "for people, or a JSON object for each entry")
        .choices(["pretty", "json"])
        .default("pretty"),
    )
    .addHelpText(
      "after",
      examples(
        "claude-edge logs",
        "claude-edge logs -f",
        "claude-edge logs -f --format json | jq .",
      ),
    )
    .action(async (options) => {
      const { logs } = await import("../commands/logs.js");
      context.exitCode = await logs(options, context);
    });
