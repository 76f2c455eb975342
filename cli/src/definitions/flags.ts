import { InvalidArgumentError, Option, type Command } from "commander";

import { parseDuration } from "../terminal/duration.js";

/** The folder that a command works on, as its help says it. */
export const PROJECT = "the project: the folder that holds wrangler.jsonc";

/** Words with commas or blanks between them. */
export const list = (value: string): string[] => value.split(/[,\s]+/).filter(Boolean);

/** For a flag that may be given again and again. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

export const positive = (value: string): number => {
  const number = Number(value);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a positive number.");
  return number;
};

export const positiveInteger = (value: string): number => {
  const number = positive(value);
  if (!Number.isInteger(number)) throw new InvalidArgumentError("It must be a whole number.");
  return number;
};

export const wholeNumber = (value: string): number => {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(value);
};

/** Seconds, or `never`. */
export const lifetime = (value: string): number | "never" => {
  if (value === "never") return value;
  const seconds = parseDuration(value);
  if (seconds !== undefined) return seconds;
  throw new InvalidArgumentError("It must be a time like 30d, 12h or 45m, or never.");
};

/** How the answer to a prompt is printed: a part of QueryFlags, once parsed. */
export const withAnswerFormat = (command: Command): Command =>
  command
    .addOption(
      new Option("--output-format <format>", "how the answer is printed")
        .choices(["text", "json", "stream-json"])
        .default("text"),
    )
    .option("--include-partial-messages", "stream-json: pieces of messages too")
    .option("--verbose", "the model, times and cost, on standard error");

/** Files that go with a prompt: a part of QueryFlags. */
export const withFiles = (command: Command): Command =>
  command.option(
    "-f, --file <path>",
    "a file of this machine that goes with the prompt; again for more",
    collect,
  );

/** Adds the command that is meant when none is named. */
export const withDefault = (command: Command, child: Command): Command =>
  command.addCommand(child, { isDefault: true }).hook("preSubcommand", (_, chosen) => {
    const [word = "-"] = command.args;
    if (word.startsWith("-") || word === "help" || word === chosen.name()) return;
    // The default one would take a mistyped name for an argument of its own, and not know what was meant.
    (command as Command & { unknownCommand(): never }).unknownCommand();
  });

/** What each command that talks to a deployment is told of it: TargetFlags, once parsed. */
export const withTarget = (command: Command): Command =>
  command
    .option("--account <name>", "the account to act for")
    .option("--profile <name>", "the deployment that `claude-edge login` saved under this name")
    .option("--url <url>", "the deployment, instead of CLAUDE_EDGE_URL");

/** What each command that talks with an agent is told of the session: SessionFlags, once parsed. */
export const withSession = (command: Command): Command =>
  command
    .option("-c, --continue", "continue the newest session")
    .option("-r, --resume <id>", "continue this session; 8 characters of its id will do")
    .option("--title <text>", "the title of the new session")
    .option("--model <name>", "the model")
    .option("--system-prompt <text>", "the system prompt")
    .addOption(
      new Option("--permission-mode <mode>", "what needs no approval").choices([
        "default",
        "acceptEdits",
        "bypassPermissions",
        "plan",
        "dontAsk",
        "auto",
      ]),
    )
    .option("--allowed-tools <names>", "tools that need no approval, with commas between", list)
    .option("--disallowed-tools <names>", "tools the agent may not use, with commas between", list)
    .option(
      "--repo <url>",
      "a git repository that is cloned into the new session, of a branch, tag or commit with #<ref>; again for more",
      collect,
    )
    .option("--repo-secret <name>", "the secret that holds the token for --repo")
    .option("--repo-depth <number>", "how many commits of --repo to fetch", positiveInteger);

/** Help that leads with what people copy. */
export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
