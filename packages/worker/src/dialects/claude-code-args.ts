import { EdgeError, sessionOptions, type SessionOptions } from "@claude-edge/protocol";
import * as z from "zod/mini";

/** Options as the command line has them: what is appended to the system prompt is apart. */
export type ArgumentOptions = SessionOptions & { appendSystemPrompt?: string };

interface Flag {
  option: keyof ArgumentOptions;
  /** `list`: several values, in one argument or more. */
  takes: "text" | "number" | "list";
}

/** The flags of `claude` that are taken: those that say no more than an option of a session does. */
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

/** What an error quotes of an argument that may be anything. */
const QUOTED_CHARS = 60;

const schemas = { ...sessionOptions.shape, appendSystemPrompt: z.string() };

/** Names of tools apart by commas or blanks; a rule like `Bash(git log:*)` may hold both. */
const toolsIn = (text: string): string[] => text.match(/(?:[^\s,(]|\([^)]*\)?)+/g) ?? [];

/** How many arguments there are before the next flag. */
function untilFlag(rest: readonly string[]): number {
  const flag = rest.findIndex((argument) => argument.startsWith("-"));
  return flag < 0 ? rest.length : flag;
}

const refuse = (message: string): EdgeError =>
  new EdgeError("invalid_request", `additionalArgs: ${message}`);

/**
 * Reads arguments of `claude`, by an allow-list: any other could reach the container's files or the process itself.
 * @throws EdgeError `invalid_request`, which names the argument.
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
    // A system prompt may begin with a dash; the values of a list end at one.
    const values =
      inline === undefined ? rest.splice(0, takes === "list" ? untilFlag(rest) : 1) : [inline];
    const [text] = values;
    if (text === undefined) throw refuse(`${name}: has no value.`);
    const value =
      takes === "list" ? values.flatMap(toolsIn) : takes === "number" ? Number(text) : text;
    const parsed = z.safeParse(schemas[option], value);
    if (!parsed.success) throw refuse(`${name}: ${parsed.error.issues[0]!.message}.`);
    options[option] = value;
  }
  return options as ArgumentOptions;
}
