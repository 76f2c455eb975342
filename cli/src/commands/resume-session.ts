import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { isPiped } from "../prompt.js";
import type { QueryFlags } from "../query-flags.js";
import { query } from "./query.js";

/** `claude-edge sessions resume`: `query -r`. Gives the exit code. @throws EdgeError `usage` without a prompt. */
export async function resumeSession(
  id: string,
  prompt: string | undefined,
  flags: QueryFlags,
  context: Context,
): Promise<number> {
  if (prompt === undefined && !isPiped(context.stdin)) {
    const message = `There is no prompt. To talk with the session: claude-edge chat -r ${id}`;
    throw new EdgeError("usage", message);
  }
  return query(prompt, { ...flags, resume: id }, context);
}
