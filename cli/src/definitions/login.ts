import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, withTarget } from "./flags.js";

export const defineLogin = (context: Context): Command =>
  new Command("login")
    .description("save a deployment and its key; the key is asked for, or piped in")
    .argument("[url]", "the deployment; asked for in a terminal")
    .option("--profile <name>", "the name it is saved under; default without it")
    .option("--account <name>", "the account to act for")
    .option("--with-token", "read the key from standard input")
    .addHelpText(
      "after",
      `
The key is the deployment's root key, or a token of an account (claude-edge tokens create).
${examples(
  "claude-edge login https://my-agent.example.workers.dev",
  "pass my-agent/key | claude-edge login https://agent.example.com --with-token --profile prod",
)}`,
    )
    .action(async (url: string | undefined, options) => {
      const { login } = await import("../commands/login.js");
      context.exitCode = await login(url, options, context);
    });

export const defineLogout = (context: Context): Command =>
  new Command("logout")
    .description("forget a deployment and its key")
    .option("--profile <name>", "the one saved under this name; the current one without it")
    .addHelpText("after", examples("claude-edge logout", "claude-edge logout --profile prod"))
    .action(async (options) => {
      const { logout } = await import("../commands/logout.js");
      context.exitCode = await logout(options, context);
    });

export const defineWhoami = (context: Context): Command =>
  withTarget(
    new Command("whoami")
      .description("say which deployment is talked to, as whom, and whether that works")
      .option("--json", "a JSON object"),
  )
    .addHelpText(
      "after",
      examples("claude-edge whoami", "claude-edge whoami --profile prod --json | jq .credential"),
    )
    .action(async (options) => {
      const { whoami } = await import("../commands/whoami.js");
      context.exitCode = await whoami(options, context);
    });
