import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { examples, positiveInteger, withDefault, withTarget } from "./flags.js";

export const defineAccounts = (context: Context): Command =>
  withDefault(
    new Command("accounts").description("the deployment's accounts, for who holds its root key"),
    defineList(context),
  )
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge accounts list --help has the options.
${examples(
  "claude-edge accounts",
  "claude-edge accounts show ada",
  "claude-edge accounts delete ada",
)}`,
    )
    .addCommand(defineShow(context))
    .addCommand(defineDelete(context));

const defineList = (context: Context) =>
  withTarget(
    new Command("list")
      .description("list accounts, the one last used first")
      .option("--limit <number>", "so many of them", positiveInteger, 20)
      .addOption(new Option("--all", "all of them").conflicts("limit"))
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      `
Figures may be 15 minutes old; claude-edge accounts show has those of now.
${examples("claude-edge accounts list", "claude-edge accounts list --all --json | jq -r .name")}`,
    )
    .action(async (options) => {
      const { listAccounts } = await import("../commands/list-accounts.js");
      context.exitCode = await listAccounts(options, context);
    });

const defineShow = (context: Context) =>
  withTarget(
    new Command("show")
      .description("show what an account has, and how far its erasure is")
      .argument("<name>", "the account")
      .option("--json", "a JSON object"),
  )
    .addHelpText("after", examples("claude-edge accounts show ada"))
    .action(async (name: string, options) => {
      const { showAccount } = await import("../commands/show-account.js");
      context.exitCode = await showAccount(name, options, context);
    });

const defineDelete = (context: Context) =>
  withTarget(
    new Command("delete")
      .description("erase an account with all it has, and wait until it is gone")
      .argument("<name>", "the account")
      .option("-y, --yes", "do not ask"),
  )
    .addHelpText(
      "after",
      `
Sessions, files, tokens, limits and usage are erased; turns that run are interrupted, and tokens open nothing from then
on. Ctrl-C ends the waiting, not the erasure. Then the name starts from nothing.
${examples("claude-edge accounts delete ada", "claude-edge accounts delete ada --yes")}`,
    )
    .action(async (name: string, options) => {
      const { deleteAccount } = await import("../commands/delete-account.js");
      context.exitCode = await deleteAccount(name, options, context);
    });
