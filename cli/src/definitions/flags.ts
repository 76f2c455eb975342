import { InvalidArgumentError, type Command } from "commander";

/** Words with commas or blanks between them. */
const list = (value: string): string[] => value.split(/[,\s]+/).filter(Boolean);

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

/** What each command that talks to a deployment is told of it: TargetFlags, once parsed. */
export const withTarget = (command: Command): Command =>
  command
    .option("--account <name>", "the account to act for")
    .option("--url <url>", "the deployment, instead of CLAUDE_EDGE_URL");

/** What each command that talks with an agent is told of the session: SessionFlags, once parsed. */
export const withSession = (command: Command): Command =>
  command
    .option("-c, --continue", "continue the newest session")
    .option("-r, --resume <id>", "continue this session")
    .option("--title <text>", "the title of the new session")
    .option("--model <name>", "the model")
    .option("--system-prompt <text>", "the system prompt")
    .option("--permission-mode <mode>", "default, acceptEdits, bypassPermissions, plan or dontAsk")
    .option("--allowed-tools <names>", "tools that need no approval, with commas between", list)
    .option("--disallowed-tools <names>", "tools the agent may not use, with commas between", list);

/** Help that leads with what people copy. */
export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
