import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { examples, PROJECT } from "./flags.js";

export const defineDeploy = (context: Context): Command =>
  new Command("deploy")
    .description("deploy a project to Cloudflare with its own wrangler, and see that it answers")
    .argument("[folder]", PROJECT, ".")
    .option("--url <url>", "where it answers, when that is not what wrangler says")
    .option("--no-query", "do not ask it anything afterwards")
    .option("--dry-run", "build and check, upload nothing")
    .addOption(
      new Option(
        "--containers-rollout <how>",
        "how containers are replaced; none: the Worker alone, without Docker",
      ).choices(["immediate", "gradual", "none"]),
    )
    .option("--json", "a JSON object instead of the URL")
    .addHelpText(
      "after",
      `
Secrets that are not set yet go along: a new root key, saved as a profile, and the model's credential, from the
environment or asked for. CLOUDFLARE_ENV chooses an environment of wrangler.jsonc.
${examples(
  "claude-edge deploy",
  "claude-edge deploy ./my-agent --containers-rollout none",
  "claude-edge deploy --url https://agent.example.com --json | jq -r .url",
)}`,
    )
    .action(async (folder: string, options) => {
      const { deploy } = await import("../commands/deploy.js");
      context.exitCode = await deploy(folder, options, context);
    });
