import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, lifetime, positiveInteger, withTarget } from "./flags.js";

export const defineAudit = (context: Context): Command =>
  withTarget(
    new Command("audit")
      .description("who did what in the account in the last 90 days, oldest first")
      .option("--since <time>", "of the last 30d, 12h or 45m; all without it", lifetime)
      .option("--limit <number>", "so many entries", positiveInteger)
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      `
It takes the root key, or a token with the scope admin.
${examples(
  "claude-edge audit --account ada --since 7d",
  `claude-edge audit --json | jq 'select(.action == "token.created")'`,
)}`,
    )
    .action(async (options) => {
      const { audit } = await import("../commands/audit.js");
      context.exitCode = await audit(options, context);
    });
