import { Command } from "commander";

import type { Context } from "../context.js";
import { examples } from "./flags.js";

export const defineSecrets = (context: Context): Command => {
  const secrets = new Command("secrets")
    .description("the secrets of this folder's deployment: the model's credential, the root key")
    .addHelpText(
      "after",
      `
A value is asked for in a terminal or piped in, never an argument. Names: ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN,
CLAUDE_CODE_OAUTH_TOKEN, CLAUDE_EDGE_ROOT_KEY.
${examples(
  "claude-edge secrets set",
  "pass anthropic/key | claude-edge secrets set ANTHROPIC_API_KEY",
  "claude-edge secrets set CLAUDE_EDGE_ROOT_KEY --generate",
  "claude-edge secrets list --local",
)}`,
    );
  const add = (words: string, description: string) =>
    secrets
      .command(words, words === "list" ? { isDefault: true } : {})
      .description(description)
      .option("--local", "those of claude-edge dev: in .dev.vars");

  add("list", "the names of those that are set")
    .option("--json", "a JSON object a line")
    .action(async (options) => {
      const { listSecrets } = await import("../commands/secrets.js");
      process.exitCode = await listSecrets(options, context);
    });
  add("set [name]", "set one; in a terminal it asks which and for its value")
    .option("--generate", "make a root key; a profile is given it")
    .option("--profile <name>", "the profile to give it to; the Worker's name without it")
    .action(async (name: string | undefined, options) => {
      const { setSecret } = await import("../commands/secrets.js");
      process.exitCode = await setSecret(name, options, context);
    });
  add("delete <name>", "take one away").action(async (name: string, options) => {
    const { deleteSecret } = await import("../commands/secrets.js");
    process.exitCode = await deleteSecret(name, options, context);
  });
  return secrets;
};
