import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { examples } from "./flags.js";

export const defineLogs = (context: Context): Command =>
  new Command("logs")
    .description(
      "print the log of Worker and containers: of the claude-edge dev of this folder, else of its deployment",
    )
    .option("-f, --follow", "go on with what comes; a deployment's log can only be followed")
    .option(
      "--request <id>",
      "what is about this request, as errors name it; its beginning will do",
    )
    .option("--turn <id>", "what is about this turn; the beginning of its id will do")
    .option("--session <id>", "what is about this session; the beginning of its id will do")
    .option("--account <name>", "what is about this account")
    .addOption(
      new Option("--level <level>", "nothing less important than this").choices([
        "debug",
        "info",
        "warn",
        "error",
      ]),
    )
    .option("--json", "a JSON object for each entry")
    .addHelpText(
      "after",
      examples(
        "claude-edge logs",
        "claude-edge logs -f --level warn",
        "claude-edge logs --request req_5f0c2a9e",
        "claude-edge logs --turn 5c1f2d7e",
        "claude-edge logs -f --json | jq 'select(.status >= 500)'",
      ),
    )
    .action(async (options) => {
      const { logs } = await import("../commands/logs.js");
      context.exitCode = await logs(options, context);
    });
