import { Command } from "commander";

import type { Context } from "../context.js";
import { examples } from "./flags.js";

export const defineConfig = (context: Context): Command => {
  const config = new Command("config")
    .description("the settings of a profile: url, account, and which profile is used")
    .addHelpText(
      "after",
      `
Flags go before CLAUDE_EDGE_URL, CLAUDE_EDGE_TOKEN, CLAUDE_EDGE_ACCOUNT and CLAUDE_EDGE_PROFILE, these before the
claude-edge dev of this folder, and that before the current profile.
${examples(
  "claude-edge config list --show-origin",
  "claude-edge config set profile prod",
  "claude-edge config set account acme --profile prod",
)}`,
    );
  const add = (words: string, description: string) => {
    const command = config
      .command(words, words === "list" ? { isDefault: true } : {})
      .description(description);
    return command.option("--profile <name>", "the one saved under this name");
  };

  add("list", "all of them, as a command run here would find them; keys are masked")
    .option("--show-origin", "where each is from")
    .option("--json", "a JSON object, origins included")
    .action(async (options) => {
      const { listConfig } = await import("../commands/config.js");
      process.exitCode = await listConfig(options, context);
    });
  add("get <name>", "one of them: profile, url, account or token")
    .option("--show-origin", "where it is from")
    .action(async (name: string, options) => {
      const { getConfig } = await import("../commands/config.js");
      process.exitCode = await getConfig(name, options, context);
    });
  add("set <name> <value>", "change url or account, or switch to a profile").action(
    async (name: string, value: string, options) => {
      const { setConfig } = await import("../commands/config.js");
      process.exitCode = await setConfig(name, value, options, context);
    },
  );
  add("unset <name>", "take account or profile away").action(async (name: string, options) => {
    const { unsetConfig } = await import("../commands/config.js");
    process.exitCode = await unsetConfig(name, options, context);
  });
  return config;
};
