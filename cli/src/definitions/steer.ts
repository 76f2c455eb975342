import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { examples, withTarget } from "./flags.js";

export const defineSteer = (context: Context): Command =>
  withTarget(
    new Command("steer")
      .description("give a message to the turn that runs in a session")
      .argument("<session>", "its id, or the first 8 characters of it")
      .argument("<message>", "what the agent is to see after its next tools")
      .addOption(
        new Option("--now", "stop the turn, and go on with the message").conflicts("later"),
      )
      .option("--later", "as a turn of its own, after those that are queued"),
  )
    .addHelpText(
      "after",
      examples(
        'claude-edge steer 9f8b0ae3 "Use TypeScript instead."',
        'claude-edge steer 9f8b0ae3 --now "Stop that, and sum up what you have."',
      ),
    )
    .action(async (session: string, message: string, options) => {
      const { steer } = await import("../commands/steer.js");
      context.exitCode = await steer(session, message, options, context);
    });
