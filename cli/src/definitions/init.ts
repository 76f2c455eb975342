import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, list, positiveInteger } from "./flags.js";

export const defineInit = (context: Context): Command =>
  new Command("init")
    .description("make a project: an agent, its Worker and its container")
    .argument("[folder]", "where; asked for in a terminal without it")
    .option("--name <name>", "of the Worker; the folder's without it")
    .option("--isolation <what>", "account or session: what gets a container of its own")
    .option("--instance <type>", "the size of a container", "standard-1")
    .option("--sleep-after <time>", "how long a container without work is kept", "5m")
    .option("--max-instances <number>", "containers at the same time", positiveInteger, 10)
    .option(
      "--region <names>",
      "where containers may run, like WEUR,EEUR; anywhere without it",
      list,
    )
    .option(
      "--jurisdiction <name>",
      "eu or fedramp: where data is stored and agents run, for good; anywhere without it",
    )
    .option("--with <names>", "r2: a bucket for files", list)
    .option(
      "--scheduling <policy>",
      "default, or durable_object (a beta of Cloudflare's)",
      "default",
    )
    .option("--package-manager <name>", "npm, pnpm, yarn or bun; the one in use without it")
    .option("-y, --yes", "ask nothing")
    .option("--force", "replace the files that are in the way, and no others")
    .option("--dry-run", "only say what would be done")
    .option("--json", "a JSON object of it; asks nothing")
    .addHelpText(
      "after",
      examples(
        "claude-edge init my-agent",
        "claude-edge init my-agent --yes --isolation session --with r2",
        "claude-edge init my-agent --jurisdiction eu --with r2",
        "claude-edge init . --dry-run",
      ),
    )
    .action(async (folder: string | undefined, options) => {
      const { init } = await import("../commands/init.js");
      context.exitCode = await init(folder, options, context);
    });
