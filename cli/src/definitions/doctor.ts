import { Command } from "commander";

import type { Context } from "../context.js";
import { examples, PROJECT, withTarget } from "./flags.js";

export const defineDoctor = (context: Context): Command =>
  withTarget(
    new Command("doctor")
      .description("find what is wrong with this machine, the project and the deployment")
      .argument("[folder]", PROJECT)
      .option("--start", "start the account's container if it sleeps, and look at what runs in it")
      .option("--json", "a JSON object: {checks: [{id, status, message, fix?}]}"),
  )
    .addHelpText(
      "after",
      `
It changes nothing and asks no model. Exits with 0 when no check fails, else with 1.
${examples(
  "claude-edge doctor",
  "claude-edge doctor ./my-agent --url https://my-agent.example.workers.dev --start",
  `claude-edge doctor --json | jq '.checks[] | select(.status == "fail")'`,
)}`,
    )
    .action(async (folder: string | undefined, options) => {
      const { doctor } = await import("../commands/doctor.js");
      context.exitCode = await doctor(folder, options, context);
    });
