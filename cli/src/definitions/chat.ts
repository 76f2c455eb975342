import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, withSession, withTarget } from "./flags.js";

export const defineChat = (context: Context): Command =>
  withTarget(
    withSession(
      new Command("chat")
        .description("talk with the agent in this terminal")
        .argument("[prompt]", "the first message"),
    ).option("--fork-session", "with -c or -r: branch the session first, and go on in the branch"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge chat",
        'claude-edge chat "What does this project do?" --model claude-sonnet-5-5',
        "claude-edge chat -c --fork-session",
        "claude-edge chat --repo https://github.com/team/project#main --repo-secret GITHUB_TOKEN",
      ),
    )
    .action(async (prompt: string | undefined, options) => {
      const { chat } = await import("../commands/chat.js");
      context.exitCode = await chat(prompt, options, context);
    });
