import type { Context } from "../context.js";
import type { QueryFlags } from "../sessions/flags.js";
import { chat } from "./chat.js";
import { query } from "./query.js";

/** `claude-edge sessions resume`: `query -r` with a prompt, `chat -r` without. Gives the exit code. */
export function resumeSession(
  id: string,
  prompt: string | undefined,
  flags: QueryFlags,
  context: Context,
): Promise<number> {
  const all = { ...flags, resume: id };
  const asks = prompt === undefined && !flags.file && !context.isPiped;
  return asks ? chat(undefined, all, context) : query(prompt, all, context);
}
