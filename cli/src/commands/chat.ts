import { EdgeError } from "@claude-edge/protocol/errors";

import { ChatLoop } from "../chat/loop.js";
import type { Context } from "../context.js";
import type { SessionFlags } from "../sessions/flags.js";
import { canAsk } from "../terminal/prompts.js";

export interface ChatFlags extends SessionFlags {
  forkSession?: boolean;
}

/** `claude-edge chat`. Gives the exit code. */
export async function chat(
  prompt: string | undefined,
  flags: ChatFlags,
  context: Context,
): Promise<number> {
  if (!canAsk(context)) {
    const message =
      "A chat needs a terminal on standard input and standard error; without one: claude-edge query <prompt>.";
    throw new EdgeError("usage", message);
  }
  if (flags.forkSession && !flags.continue && flags.resume === undefined) {
    throw new EdgeError("usage", "--fork-session goes with --continue or --resume.");
  }
  return new ChatLoop(flags, context).run(prompt, flags, context);
}
