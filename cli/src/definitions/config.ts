import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, withDefault } from "./flags.js";

const PROFILE = ["--profile <name>", "the one saved under this name"] as const;

export const defineConfig = (context: Context): Command =>
  withDefault(
    new Command("config").description(
      "the settings of a profile: url, account, and which profile is used",
    ),
    defineList(context),
  )
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge config list --help has the options.
Flags go before CLAUDE_EDGE_URL, CLAUDE_EDGE_TOKEN, CLAUDE_EDGE_ACCOUNT and CLAUDE_EDGE_PROFILE, these before the
claude-edge dev of this folder, and that before the current profile.
${examples(
  "claude-edge config list --show-origin",
  "claude-edge config set profile prod",
  "claude-edge config set account acme --profile prod",
)}`,
    )
    .addCommand(defineGet(context))
    .addCommand(defineSet(context))
    .addCommand(defineUnset(context));

const defineList = (context: Context) =>
  new Command("list")
    .description("list the settings as a command run here would find them; keys are masked")
    .option(...PROFILE)
    .option("--show-origin", "where each is from")
    .option("--json", "a JSON object, origins included")
    .addHelpText(
      "after",
      examples("claude-edge config list", "claude-edge config list --json | jq -r .url.origin"),
    )
    .action(async (options) => {
      const { listConfig } = await import("../commands/config.js");
      context.exitCode = await listConfig(options, context);
    });

const defineGet = (context: Context) =>
  new Command("get")
    .description("print a setting")
    .argument("<name>", "profile, url, account or token")
    .option(...PROFILE)
    .option("--show-origin", "where it is from")
    .addHelpText(
      "after",
      examples("claude-edge config get url", "claude-edge config get account --profile prod"),
    )
    .action(async (name: string, options) => {
      const { getConfig } = await import("../commands/config.js");
      context.exitCode = await getConfig(name, options, context);
    });

const defineSet = (context: Context) =>
  new Command("set")
    .description("change a profile's url or account, or switch to another profile")
    .argument("<name>", "profile, url or account")
    .argument("<value>", "what it is from now on")
    .option(...PROFILE)
    .addHelpText(
      "after",
      examples(
        "claude-edge config set profile prod",
        "claude-edge config set account acme --profile prod",
      ),
    )
    .action(async (name: string, value: string, options) => {
      const { setConfig } = await import("../commands/config.js");
      context.exitCode = await setConfig(name, value, options, context);
    });

const defineUnset = (context: Context) =>
  new Command("unset")
    .description("take a profile's account away, or use no profile")
    .argument("<name>", "account or profile")
    .option(...PROFILE)
    .addHelpText("after", examples("claude-edge config unset account --profile prod"))
    .action(async (name: string, options) => {
      const { unsetConfig } = await import("../commands/config.js");
      context.exitCode = await unsetConfig(name, options, context);
    });
