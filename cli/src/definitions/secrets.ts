import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, withDefault } from "./flags.js";

const LOCAL = ["--local", "those of claude-edge dev: in .dev.vars"] as const;

const NAMES =
  "ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN, CLAUDE_CODE_OAUTH_TOKEN or CLAUDE_EDGE_ROOT_KEY";

export const defineSecrets = (context: Context): Command =>
  withDefault(
    new Command("secrets").description(
      "the secrets of this folder's deployment: the model's credential, the root key",
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
)}`,
    )
    .addCommand(defineSet(context))
    .addCommand(defineDelete(context));

const defineList = (context: Context) =>
  new Command("list")
    .description("list the names of the secrets that are set")
    .option(...LOCAL)
    .option("--json", "a JSON object a line")
    .addHelpText(
      "after",
      examples("claude-edge secrets list", "claude-edge secrets list --local --json | jq -r .name"),
    )
    .action(async (options) => {
      const { listSecrets } = await import("../commands/secrets.js");
      process.exitCode = await listSecrets(options, context);
    });

const defineSet = (context: Context) =>
  new Command("set")
    .description("set a secret; in a terminal it asks which and for its value")
    .argument("[name]", NAMES)
    .option("--generate", "make a root key; a profile is given it")
    .option(...LOCAL)
    .option("--profile <name>", "the profile to give it to; the Worker's name without it")
    .addHelpText(
      "after",
      `
A value is asked for in a terminal or piped in, never an argument.
${examples(
  "claude-edge secrets set",
  "pass anthropic/key | claude-edge secrets set ANTHROPIC_API_KEY",
  "claude-edge secrets set CLAUDE_EDGE_ROOT_KEY --generate",
)}`,
    )
    .action(async (name: string | undefined, options) => {
      const { setSecret } = await import("../commands/secrets.js");
      process.exitCode = await setSecret(name, options, context);
    });

const defineDelete = (context: Context) =>
  new Command("delete")
    .description("take a secret away")
    .argument("<name>", NAMES)
    .option(...LOCAL)
    .addHelpText(
      "after",
      examples(
        "claude-edge secrets delete ANTHROPIC_AUTH_TOKEN",
        "claude-edge secrets delete ANTHROPIC_API_KEY --local",
      ),
    )
    .action(async (name: string, options) => {
      const { deleteSecret } = await import("../commands/secrets.js");
      process.exitCode = await deleteSecret(name, options, context);
    });
