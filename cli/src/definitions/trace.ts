import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, withTarget } from "./flags.js";

export const defineTrace = (context: Context): Command =>
  withTarget(
    new Command("trace")
      .description("show where the time of a turn went, step by step")
      .argument("<session>", "the session, or the first 8 characters or more of its id")
      .argument("[turn]", "the turn, the newest without it; 8 characters of its id will do")
      .option("--json", "a JSON object, with exact times"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge trace 9f8b0ae3",
        "claude-edge trace 9f8b0ae3 5c1f2d7e",
        "claude-edge trace 9f8b0ae3 --json | jq '.steps[] | select(.kind == \"model\")'",
      ),
    )
    .action(async (session: string, turn: string | undefined, options) => {
      const { trace } = await import("../commands/trace.js");
      context.exitCode = await trace(session, turn, options, context);
    });
