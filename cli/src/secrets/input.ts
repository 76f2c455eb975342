import { EdgeError } from "@claude-edge/protocol/errors";

import { unlessAborted, type Context } from "../context.js";
import { canAsk, inTerminal } from "../terminal/prompts.js";

/** A secret is one line: what is longer was piped in by mistake, characters. */
const MAX_LENGTH = 8_192;

/** Asks for a secret without showing it; nothing when whoever is asked gives up. */
export function askSecret(message: string, context: Context): Promise<string | undefined> {
  return inTerminal(context, context.signal, async ({ clack, ...terminal }) => {
    const value = await clack.password({
      ...terminal,
      message,
      validate: (text) => problemOf(text?.trim() ?? ""),
    });
    return clack.isCancel(value) ? undefined : value.trim();
  });
}

/**
 * Reads a secret that is piped in.
 * @throws EdgeError `usage` when nothing is, or what came is no secret.
 */
export async function readSecret(context: Context): Promise<string> {
  const { stdin, signal } = context;
  // It would be shown as it is typed.
  if (stdin.isTTY) throw new EdgeError("usage", "Pipe the value in: it is read from a pipe only.");
  const value = (await unlessAborted(readUpTo(stdin), signal)).trim();
  const problem = problemOf(value);
  if (problem) throw new EdgeError("usage", `Standard input: ${problem}`);
  return value;
}

/** A prompt in a terminal, else what is piped in. Nothing when whoever is asked gives up. */
export function secretFrom(message: string, context: Context): Promise<string | undefined> {
  return canAsk(context) ? askSecret(message, context) : readSecret(context);
}

async function readUpTo(stdin: Context["stdin"]): Promise<string> {
  stdin.setEncoding("utf8");
  let text = "";
  for await (const chunk of stdin) {
    text += chunk;
    if (text.length > MAX_LENGTH) break;
  }
  return text;
}

/** Says nothing of the value. */
function problemOf(value: string): string | undefined {
  if (!value) return "There is nothing.";
  if (value.length > MAX_LENGTH) return "That is too long.";
  return /^[\x21-\x7e]+$/.test(value) ? undefined : "It must be printable ASCII without blanks.";
}
