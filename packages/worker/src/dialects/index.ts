import type { Env } from "../env.js";
import type { Dialect } from "./dialect.js";
import { messages } from "./messages.js";
import { studio } from "./studio.js";

/** Every dialect. Where two have a path, the one that comes first decides by the body's shape whose it is. */
export const DIALECTS: readonly Dialect[] = [messages, studio];

/** Those that are on unless `CLAUDE_EDGE_DIALECTS` says otherwise. */
const DEFAULT = "messages";

/** Whether a deployment speaks a dialect. */
export function isOn(env: Env, { name }: Dialect): boolean {
  // An array of wrangler.jsonc comes as one; a variable of the environment is a list with commas.
  const names = String(env.CLAUDE_EDGE_DIALECTS ?? DEFAULT).split(",");
  return names.some((word) => word.trim() === name);
}
