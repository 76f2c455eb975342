/** One thing the scripted model does in an answer. */
export type Action =
  | { do: "say"; text: string }
  | { do: "think"; text: string }
  | { do: "tool"; name: string; input: unknown }
  | { do: "wait"; ms: number }
  | { do: "cache"; read: number; created: number; anHour: number }
  | { do: "refuse" };

/** One answer of the model: what it does, and how it fails if it does. */
export interface Answer {
  actions: Action[];
  /** In its place comes the first answer again. */
  repeats?: true;
  /** Answers with this HTTP status instead, for the first `times` tries. */
  error?: { status: number; times: number; retryAfterS?: number };
  /** Closes the connection without an answer, for the first `times` tries. */
  drop?: { times: number };
  /** Cuts the connection in mid-stream, after a pause, for the first `times` tries. */
  cut?: { times: number; ms: number };
  /** Ends the stream in the middle with an error of this type, for the first `times` tries. */
  fail?: { type: string; times: number };
}

/** A directive that cannot be read; the model answers it with a 400. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

const DIRECTIVE = /^%(\w+)(?:\s+(.*))?$/;

function toolAction(argument: string): Action {
  const space = argument.search(/\s/);
  const name = space < 0 ? argument : argument.slice(0, space);
  const json = space < 0 ? "{}" : argument.slice(space);
  try {
    return { do: "tool", name, input: JSON.parse(json) };
  } catch {
    throw new ScriptError(`%tool ${name}: the input is not JSON`);
  }
}

/** Repeats a word up to a number of tokens, numbered so that order and loss can be seen. */
const filler = (count: number, size = 0) =>
  Array.from({ length: count }, (_, index) => `word${index + 1}`.padEnd(size - 1, ".")).join(" ");

const count = (argument: string, otherwise: number) => {
  if (argument === "") return otherwise;
  const value = Number(argument);
  if (!Number.isFinite(value) || value < 0) throw new ScriptError(`not a number: ${argument}`);
  return value;
};

/**
 * Reads the script in a prompt: lines that begin with `%`. Consecutive `%tool` lines are called in one answer;
 * what follows them is the next answer, given when the tools' results are in.
 *
 * | line | what the model does |
 * |---|---|
 * | `%say text`, `%think text` | answers, thinks |
 * | `%tokens 200` | answers with that many numbered words |
 * | `%bytes 1000000` | answers with about that many bytes, in words of 4 kB |
 * | `%tool Name {json}` | calls a tool |
 * | `%next` | what follows is the next answer without a tool before it: of the turn that a background task causes |
 * | `%repeat` | goes on with the first answer again, until another prompt comes |
 * | `%wait 500` | pauses, milliseconds |
 * | `%cache 900 [100 [40]]` | counts that many tokens as read from the cache, as written into it, and of these for an hour |
 * | `%error 429 [times] [seconds]` | answers with an HTTP error; for ever without `times`; `seconds`: retry-after |
 * | `%drop [times]` | closes the connection without an answer; for ever without `times` |
 * | `%fail overloaded_error [times]` | answers in part, then with an error of that type; for ever without `times` |
 * | `%cut [times] [ms]` | cuts the connection in mid-stream, after a pause; for ever without `times` |
 * | `%refuse` | ends with stop reason `refusal` |
 *
 * @returns undefined when the prompt holds no directive.
 * @throws ScriptError for a directive that cannot be read.
 */
export function parseScript(prompt: string): Answer[] | undefined {
  const answers: Answer[] = [];
  let current: Answer = { actions: [] };
  let toolsOpen = false;
  let found = false;
  const next = () => {
    answers.push(current);
    current = { actions: [] };
    toolsOpen = false;
  };

  for (const line of prompt.split("\n")) {
    const match = DIRECTIVE.exec(line.trim());
    if (!match) continue;
    found = true;
    const [, verb = "", argument = ""] = match;
    if (toolsOpen && verb !== "tool") next();
    switch (verb) {
      case "say":
        current.actions.push({ do: "say", text: argument });
        break;
      case "tokens":
        current.actions.push({ do: "say", text: filler(count(argument, 100)) });
        break;
      case "bytes":
        // Words of 4 kB: a large answer in few pieces.
        current.actions.push({
          do: "say",
          text: filler(Math.ceil(count(argument, 4096) / 4096), 4096),
        });
        break;
      case "think":
        current.actions.push({ do: "think", text: argument });
        break;
      case "tool":
        current.actions.push(toolAction(argument));
        toolsOpen = true;
        break;
      case "next":
        if (current.actions.length > 0) next();
        break;
      case "repeat":
        current.repeats = true;
        break;
      case "wait":
        current.actions.push({ do: "wait", ms: count(argument, 1000) });
        break;
      case "cache": {
        const [read, created, anHour] = ["", "", ""].map((otherwise, index) =>
          count(argument.split(/\s+/)[index] ?? otherwise, 0),
        ) as [number, number, number];
        current.actions.push({ do: "cache", read, created, anHour });
        break;
      }
      case "refuse":
        current.actions.push({ do: "refuse" });
        break;
      case "error": {
        const [status = "", times = "", seconds = ""] = argument.split(/\s+/);
        current.error = {
          status: count(status, 500),
          times: count(times, Infinity),
          ...(seconds === "" ? {} : { retryAfterS: count(seconds, 1) }),
        };
        break;
      }
      case "drop":
        current.drop = { times: count(argument, Infinity) };
        break;
      case "fail": {
        const [type = "", times = ""] = argument.split(/\s+/);
        if (!/^[a-z_]+_error$/.test(type)) throw new ScriptError(`not a type of error: ${type}`);
        current.fail = { type, times: count(times, Infinity) };
        break;
      }
      case "cut": {
        const [times = "", ms = ""] = argument.split(/\s+/);
        current.cut = { times: count(times, Infinity), ms: count(ms, 0) };
        break;
      }
      default:
        throw new ScriptError(`unknown directive %${verb}`);
    }
  }
  if (!found) return undefined;
  answers.push(current);
  return answers;
}
