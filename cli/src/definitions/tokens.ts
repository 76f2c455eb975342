import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, lifetime, list, withDefault, withTarget } from "./flags.js";

const scopes = (value: string, before: string[] = []): string[] => [...before, ...list(value)];

export const defineTokens = (context: Context): Command =>
  withDefault(
    new Command("tokens").description("an account's tokens: mint, list and revoke them"),
    defineList(context),
  )
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge tokens list --help has the options.
Minting takes the root key, or a token with the scope admin.
${examples(
  "claude-edge tokens create --account ada --name Laptop",
  "claude-edge tokens",
  "claude-edge tokens revoke 8051cca7-02dd-4b70-91d7-55c70daa0cda --account ada",
)}`,
    )
    .addCommand(defineCreate(context))
    .addCommand(defineRevoke(context));

const defineCreate = (context: Context) =>
  withTarget(
    new Command("create")
      .description("mint a token and print it: it is not shown again")
      .option(
        "--scope <scopes>",
        "query, sessions:read, sessions:write, requests:answer, files, admin; all but admin without it",
        scopes,
      )
      .option("--expires <time>", "30d, 12h, 45m, or never; 90d without it", lifetime)
      .option("--session <id>", "for this session alone")
      .option("--name <name>", "what people call it")
      .option("--json", "a JSON object with the token in it"),
  )
    .addHelpText(
      "after",
      examples(
        "CLAUDE_EDGE_TOKEN=$(claude-edge tokens create --account ada)",
        "claude-edge tokens create --scope query,sessions:read --expires 12h",
        "claude-edge tokens create --session 6ff168f4-104f-4591-9476-c83ee836d8ac --scope query",
      ),
    )
    .action(async (options) => {
      const { createToken } = await import("../commands/create-token.js");
      context.exitCode = await createToken(options, context);
    });

const defineList = (context: Context) =>
  withTarget(
    new Command("list")
      .description("list the account's tokens, newest first")
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      examples("claude-edge tokens list", "claude-edge tokens list --json | jq -r .id"),
    )
    .action(async (options) => {
      const { listTokens } = await import("../commands/list-tokens.js");
      context.exitCode = await listTokens(options, context);
    });

const defineRevoke = (context: Context) =>
  withTarget(
    new Command("revoke")
      .description("revoke a token: it opens nothing from then on")
      .argument("<id>", "its id, as `tokens list` shows it; 8 characters of it will do")
      .option(
        "--unlisted",
        "one that a backend minted, which no list has: by its whole id, the claim jti",
      )
      .option("--json", "a JSON object of what is known of it"),
  )
    .addHelpText(
      "after",
      examples("claude-edge tokens revoke 8051cca7-02dd-4b70-91d7-55c70daa0cda --account ada"),
    )
    .action(async (id: string, options) => {
      const { revokeToken } = await import("../commands/revoke-token.js");
      context.exitCode = await revokeToken(id, options, context);
    });
