import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, withDefault, withTarget } from "./flags.js";

export const defineNetwork = (context: Context): Command =>
  withDefault(
    new Command("network").description("which hosts an account's containers reach"),
    defineShow(context),
  )
    .addHelpText(
      "after",
      `
A host is reached if the deployment's policy (CLAUDE_EDGE_NETWORK in wrangler.jsonc) and the account's own allow it.
Changing the account's takes the root key, and counts within seconds.
${examples(
  "claude-edge network --account ada",
  "claude-edge network limit api.github.com '*.example.com' --account ada",
  "claude-edge network allow example.com:8443 --account ada",
)}`,
    )
    .addCommand(defineAllow(context))
    .addCommand(defineDeny(context))
    .addCommand(defineLimit(context))
    .addCommand(defineReset(context));

const HOSTS = "names, *.example.com for all names below it, each with a port if need be";

const defineShow = (context: Context) =>
  withTarget(
    new Command("show")
      .description("the policies of the deployment and the account")
      .option("--json", "a JSON object"),
  )
    .addHelpText("after", examples("claude-edge network show --account ada --json"))
    .action(async (options) => {
      const { showNetwork } = await import("../commands/network.js");
      context.exitCode = await showNetwork(options, context);
    });

const defineAllow = (context: Context) =>
  withTarget(
    new Command("allow")
      .description("add hosts to the account's policy")
      .argument("<hosts...>", HOSTS)
      .option("--json", "a JSON object"),
  )
    .addHelpText(
      "after",
      examples("claude-edge network allow api.github.com example.com:8443 --account ada"),
    )
    .action(async (hosts, options) => {
      const { allowHosts } = await import("../commands/network.js");
      context.exitCode = await allowHosts(hosts, options, context);
    });

const defineDeny = (context: Context) =>
  withTarget(
    new Command("deny")
      .description("take hosts out of the account's policy, and withdraw what was granted to it")
      .argument("<hosts...>", HOSTS)
      .option("--json", "a JSON object"),
  )
    .addHelpText("after", examples("claude-edge network deny api.github.com --account ada"))
    .action(async (hosts, options) => {
      const { denyHosts } = await import("../commands/network.js");
      context.exitCode = await denyHosts(hosts, options, context);
    });

const defineLimit = (context: Context) =>
  withTarget(
    new Command("limit")
      .description("give the account a policy of its own: these hosts, registries and MCP servers")
      .argument("[hosts...]", HOSTS)
      .option("--no-package-managers", "without the public package registries")
      .option("--no-mcp-servers", "without the hosts of the sessions' MCP servers")
      .option(
        "--ask",
        "ask about other hosts, if the deployment's policy asks too, instead of denying them",
      )
      .option("--json", "a JSON object"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge network limit --account ada",
        "claude-edge network limit api.github.com --no-package-managers --account ada",
      ),
    )
    .action(async (hosts, options) => {
      const { limitNetwork } = await import("../commands/network.js");
      context.exitCode = await limitNetwork(hosts, options, context);
    });

const defineReset = (context: Context) =>
  withTarget(
    new Command("reset")
      .description("remove the account's policy and grants: the deployment's alone counts")
      .option("--json", "a JSON object"),
  )
    .addHelpText("after", examples("claude-edge network reset --account ada"))
    .action(async (options) => {
      const { resetNetwork } = await import("../commands/network.js");
      context.exitCode = await resetNetwork(options, context);
    });
