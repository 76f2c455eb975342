import type { SdkMessage, SessionOptions } from "@claude-edge/protocol/wire";

import type { Options } from "./sdk.js";

/** What a program has asked for that only some want. */
export interface Wanted {
  /** What the process is doing. */
  states: boolean;
  partialMessages: boolean;
}

export const wantedBy = (
  { sessionStateEvents }: Pick<SessionOptions, "sessionStateEvents">,
  { includePartialMessages }: Pick<Options, "includePartialMessages">,
): Wanted => ({
  states: sessionStateEvents === true,
  partialMessages: includePartialMessages === true,
});

/**
 * Whether a message is one to hand on. The container runs with partial messages, states and ids on all prompts: what only
 * comes of those is left out. `named`: the prompts that were given an id.
 */
export function isAskedFor(
  { type, subtype, status, command_uuid: prompt }: SdkMessage,
  named: ReadonlySet<string>,
  { states, partialMessages }: Wanted,
): boolean {
  if (type === "command_lifecycle") return named.has(prompt as string);
  if (type !== "system") return true;
  if (subtype === "session_state_changed") return states;
  return subtype !== "status" || status !== "requesting" || partialMessages;
}
