import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, PROJECT } from "./flags.js";

export const defineServe = (context: Context): Command =>
  new Command("serve")
    .description("run a project on a server of your own, with Docker; its compose.yaml does")
    .argument("[folder]", PROJECT, ".")
    .option("--port <number>", "the port; PORT or 8787 without it", context.env.PORT || "8787")
    .option("--host <address>", "the address to listen on", "0.0.0.0")
    .option("--data <folder>", "where sessions are kept; .wrangler/claude-edge without it")
    .option("--scripted", "ask the scripted model: for trying it out")
    .addHelpText(
      "after",
      `
Wants CLAUDE_EDGE_ROOT_KEY and a model credential in the environment, and the image of the project's Dockerfile
as cloudflare-dev/containerdo:<name of the package>.
${examples("docker compose up --build", "claude-edge serve --port 80 --data /data")}`,
    )
    .action(async (folder: string, options) => {
      const { serve } = await import("../commands/serve.js");
      context.exitCode = await serve(folder, options, context);
    });
