import { EdgeError, sessionOptions, type SessionOptions } from "@claude-edge/protocol";
import * as z from "zod/mini";

/** Options from the command line, where the appended system prompt is separate. */
export type ArgumentOptions = SessionOptions & { appendSystemPrompt?: string };

interface Flag {
  option: keyof ArgumentOptions;
  /** `list`: several values, in one or more arguments. */
  takes: "text" | "number" | "list";
}

/** The accepted flags of `claude`: those that equal an option of a session. */
const FLAGS: Readonly<Record<string, Flag>> = {
  "--model": { option: "model", takes: "text" },
  "--fallback-model": { option: "fallbackModel", takes: "text" },
  "--system-prompt": { option: "systemPrompt", takes: "text" },
  "--append-system-prompt": { option: "appendSystemPrompt", takes: "text" },
  "--permission-mode": { option: "permissionMode", takes: "text" },
  "--max-turns": { option: "maxTurns", takes: "number" },
  "--max-budget-usd": { option: "maxBudgetUsd", takes: "number" },
  "--effort": { option: "effort", takes: "text" },
  "--agent": { option: "agent", takes: "text" },
  "--tools": { option: "tools", takes: "list" },
  "--allowedTools": { option: "allowedTools", takes: "list" },
  "--allowed-tools": { option: "allowedTools", takes: "list" },
  "--disallowedTools": { option: "disallowedTools", takes: "list" },
  "--disallowed-tools": { option: "disallowedTools", takes: "list" },
};

/** How much of an unknown argument an error quotes, in characters. */
const QUOTED_CHARS = 60;

const schemas = { ...sessionOptions.shape, appendSystemPrompt: z.string() };

/** Splits tool names at commas and blanks, except inside a rule like `Bash(git log:*)`. */
const splitTools = (text: string): string[] => text.match(/(?:[^\s,(]|\([^)]*\)?)+/g) ?? [];

/** The number of arguments before the next flag. */
function countBeforeFlag(rest: readonly string[]): number {
  const flag = rest.findIndex((argument) => argument.startsWith("-"));
  return flag < 0 ? rest.length : flag;
}

const refuse = (message: string): EdgeError =>
  new EdgeError("invalid_request", `additionalArgs: ${message}`);

/**
 * Parses arguments of `claude` with an allow-list: others could access the container's files or the process.
 * @throws EdgeError `invalid_request` with the argument's name.
 */
export function readArguments(given: readonly string[]): ArgumentOptions {
  const options: Record<string, unknown> = {};
  const rest = [...given];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [, name = "", , inline] = /^(--?[\w-]+)(=([\s\S]*))?$/.exec(argument) ?? [];
    const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
    if (!flag) {
      const taken = Object.keys(FLAGS).join(", ");
      throw refuse(`${name || argument.slice(0, QUOTED_CHARS)}: is not one of ${taken}.`);
    }
    const { option, takes } = flag;
    // A system prompt may start with a dash; a list ends at one.
    const values =
      inline === undefined
        ? rest.splice(0, takes === "list" ? countBeforeFlag(rest) : 1)
        : [inline];
    const [text] = values;
    if (text === undefined) throw refuse(`${name}: has no value.`);
    const value =
      takes === "list" ? values.flatMap(splitTools) : takes === "number" ? Number(text) : text;
    const parsed = z.safeParse(schemas[option], value);
    if (!parsed.success) throw refuse(`${name}: ${parsed.error.issues[0]!.message}.`);
    options[option] = value;
  }
  return options as ArgumentOptions;
}
