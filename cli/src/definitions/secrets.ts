import { Command } from "commander";

import type { Context } from "../context.js";
import { collect, examples, withDefault, withTarget } from "./flags.js";

const LOCAL = ["--local", "those of claude-edge dev: in .dev.vars"] as const;

const NAMES =
  "one of the Worker's (ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN, CLAUDE_CODE_OAUTH_TOKEN, CLAUDE_EDGE_ROOT_KEY, CLAUDE_EDGE_ROOT_KEY_OLD), or of agents, by the variable that they use";

export const defineSecrets = (context: Context): Command =>
  withDefault(
    new Command("secrets").description(
      "secrets: those of agents, and the Worker's own (the model's credential, the root key)",
    ),
    defineList(context),
  )
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge secrets list --help has the options.
${examples(
  "claude-edge secrets",
  "claude-edge secrets set",
  "pass anthropic/key | claude-edge secrets set ANTHROPIC_API_KEY",
  "pass fal/key | claude-edge secrets set FAL_KEY --host fal.run --host '*.fal.run'",
)}`,
    )
    .addCommand(defineSet(context))
    .addCommand(defineDelete(context));

const defineList = (context: Context) =>
  withTarget(
    new Command("list")
      .description("list the secrets that are set, without their values")
      .option(...LOCAL)
      .option("--session <id>", "those of this session")
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      examples("claude-edge secrets list", "claude-edge secrets list --local --json | jq -r .name"),
    )
    .action(async (options) => {
      const { listSecrets } = await import("../commands/secrets.js");
      context.exitCode = await listSecrets(options, context);
    });

const defineSet = (context: Context) =>
  withTarget(
    new Command("set")
      .description("set a secret; in a terminal it asks which and for its value")
      .argument("[name]", NAMES)
      .option(
        "--host <host>",
        "a host that gets it; again for more; *.example.com for all below",
        collect,
      )
      .option(
        "--header <name>",
        "put it into this header alone; into any without --query or --body",
      )
      .option("--query", "put it into the query")
      .option("--body", "put it into bodies")
      .option(
        "--generate",
        "make a root key; --profile, or the one of the Worker's name, is given it",
      )
      .option(...LOCAL),
  )
    .addHelpText(
      "after",
      `
A value is asked for in a terminal or piped in, never an argument. A secret with a host is the account's; with the root
key and no account the deployment's, for all accounts. Agents have a placeholder in a variable of its name.
Values are sealed with the root key: before it is changed, put the one of now into CLAUDE_EDGE_ROOT_KEY_OLD.
${examples(
  "pass fal/key | claude-edge secrets set FAL_KEY --host fal.run",
  "pass ada/key | claude-edge secrets set FAL_KEY --host fal.run --account ada",
  "claude-edge secrets set",
  "pass anthropic/key | claude-edge secrets set ANTHROPIC_API_KEY",
  "claude-edge secrets set CLAUDE_EDGE_ROOT_KEY --generate",
)}`,
    )
    // commander would repeat a value that was given as an argument.
    .allowExcessArguments()
    .action(async (name: string | undefined, options, command: Command) => {
      if (command.args.length > 1) {
        command.error("error: a value is piped in or asked for, never an argument", {
          exitCode: 2,
        });
      }
      const { setSecret } = await import("../commands/secrets.js");
      context.exitCode = await setSecret(name, options, context);
    });

const defineDelete = (context: Context) =>
  withTarget(
    new Command("delete")
      .description("take a secret away")
      .argument("<name>", NAMES)
      .option(...LOCAL),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge secrets delete ANTHROPIC_AUTH_TOKEN",
        "claude-edge secrets delete FAL_KEY --account ada",
        "claude-edge secrets delete ANTHROPIC_API_KEY --local",
      ),
    )
    .action(async (name: string, options) => {
      const { deleteSecret } = await import("../commands/secrets.js");
      context.exitCode = await deleteSecret(name, options, context);
    });
