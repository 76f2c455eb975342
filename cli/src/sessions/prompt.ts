import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";

/** How long to wait for a first byte of piped input when there is a prompt already, milliseconds. */
const PIPE_PATIENCE_MS = 3_000;

async function readAll(stdin: Context["stdin"]): Promise<string> {
  stdin.setEncoding("utf8");
  let text = "";
  for await (const chunk of stdin) text += chunk;
  return text;
}

/** Reads what is piped in; empty when nothing has come after a while: some parents leave a silent pipe open. */
async function readPiped({ stdin, stderr }: Context): Promise<string> {
  const first = new Promise<boolean>((resolve) => {
    stdin.once("readable", () => resolve(true)).once("end", () => resolve(true));
    setTimeout(() => resolve(false), PIPE_PATIENCE_MS).unref();
  });
  if (await first) return readAll(stdin);
  stderr.write("note: nothing came on standard input; going on without\n");
  stdin.destroy();
  return "";
}

/**
 * The prompt: the argument, what is piped in, or both with a blank line between.
 * @throws EdgeError `usage` when there is neither.
 */
export async function readPrompt(argument: string | undefined, context: Context): Promise<string> {
  if (argument === "-") return (await readAll(context.stdin)).trimEnd();
  if (argument !== undefined) {
    const piped = context.isPiped ? (await readPiped(context)).trimEnd() : "";
    return [argument, piped].filter(Boolean).join("\n\n");
  }
  if (context.stdin.isTTY)
    throw new EdgeError("usage", "There is no prompt: claude-edge query <prompt>.");
  return (await readAll(context.stdin)).trimEnd();
}
