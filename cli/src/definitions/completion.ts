import { Argument, Command } from "commander";

import type { Context } from "../context.js";
import { examples } from "./flags.js";

type Shell = "bash" | "zsh" | "fish";

export const defineCompletion = (context: Context): Command =>
  new Command("completion")
    .description("print a script that makes a shell complete commands, options and their values")
    .addArgument(new Argument("<shell>", "which one").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      examples(
        `echo 'eval "$(claude-edge completion bash)"' >> ~/.bashrc`,
        `echo 'eval "$(claude-edge completion zsh)"' >> ~/.zshrc     # behind compinit`,
        "claude-edge completion fish > ~/.config/fish/completions/claude-edge.fish",
      ),
    )
    .action(async (shell: Shell, _options, command) => {
      const { completion } = await import("../commands/completion.js");
      context.exitCode = await completion(shell, command.parent!, context);
    });
