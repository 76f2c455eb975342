import { Command } from "commander";

import type { Context } from "../context.js";
import { examples } from "./flags.js";

export const defineStdio = (context: Context): Command =>
  new Command("stdio")
    .description("stand in for claude: the Agent SDK starts it, and the agent runs on a deployment")
    .argument("[args...]", "what claude is started with")
    .allowUnknownOption()
    .addHelpText(
      "after",
      examples(
        'claude-edge stdio -p "What does this project do?"',
        'git diff | claude-edge stdio -p "Review this"',
      ),
    )
    .action(async (args: string[]) => {
      const { stdio } = await import("../commands/stdio.js");
      context.exitCode = await stdio(args, context);
    });
