import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, PROJECT } from "./flags.js";

export const defineDev = (context: Context): Command =>
  new Command("dev")
    .description("run a project on this machine: no Docker, no Cloudflare account, no key")
    .argument("[folder]", PROJECT, ".")
    .option("--port <number>", "the Worker's port; 0 for any free one", "8787")
    .option("--docker", "build the image and run real containers")
    .option("--scripted", "ask the scripted model even if there is a model credential")
    .addHelpText(
      "after",
      examples(
        "claude-edge dev",
        "claude-edge dev ./my-agent --port 0",
        "claude-edge dev --docker",
      ),
    )
    .action(async (folder: string, options) => {
      const { dev } = await import("../commands/dev.js");
      context.exitCode = await dev(folder, options, context);
    });
