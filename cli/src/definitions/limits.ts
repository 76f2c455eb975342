import { Command, InvalidArgumentError } from "commander";

import type { Context } from "../context.js";
import { examples, withDefault, withTarget } from "./flags.js";

/** A limit as a flag gives it: `default` is the deployment's again, `none` no limit. */
const limit = (value: string): number | "none" | "default" => {
  if (value === "none" || value === "default") return value;
  const number = Number(value);
  if (value.trim() !== "" && number >= 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("It must be a number, none, or default: the deployment's again.");
};

export const defineLimits = (context: Context): Command =>
  withDefault(
    new Command("limits").description("what an account may use at the most"),
    defineShow(context),
  )
    .addHelpText(
      "after",
      `
Without a command it shows them; setting them takes the root key.
${examples(
  "claude-edge limits --account ada",
  "claude-edge limits set --account ada --dollars-per-day 5 --requests-per-minute 60",
)}`,
    )
    .addCommand(defineSet(context));

const defineShow = (context: Context) =>
  withTarget(
    new Command("show")
      .description("the account's limits, whose they are, and what is used of them")
      .option("--json", "a JSON object"),
  )
    .addHelpText("after", examples("claude-edge limits show --account ada --json"))
    .action(async (options) => {
      const { showLimits } = await import("../commands/limits.js");
      context.exitCode = await showLimits(options, context);
    });

const defineSet = (context: Context) =>
  withTarget(
    new Command("set")
      .description("set limits for an account; what runs goes on")
      .option("--concurrent-turns <n>", "turns that run at the same time", limit)
      .option("--queued-turns <n>", "turns that wait at the same time", limit)
      .option("--sessions <n>", "sessions there may be", limit)
      .option("--requests-per-minute <n>", "requests to the deployment", limit)
      .option("--tokens-per-day <n>", "tokens of every kind; days are in UTC", limit)
      .option("--dollars-per-day <n>", "US dollars, at list prices", limit)
      .option("--json", "a JSON object"),
  )
    .addHelpText(
      "after",
      `
Each takes a number, none (no limit), or default (the deployment's again).
${examples(
  "claude-edge limits set --account ada --dollars-per-day 5",
  "claude-edge limits set --account ada --sessions none --dollars-per-day default",
)}`,
    )
    .action(async (options) => {
      const { setLimits } = await import("../commands/limits.js");
      context.exitCode = await setLimits(options, context);
    });
