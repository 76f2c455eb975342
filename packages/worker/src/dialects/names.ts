import type { Env } from "../env.js";

/** Those that are on unless `CLAUDE_EDGE_DIALECTS` says otherwise. */
const DEFAULT = "messages";

/** The dialects that a deployment names, whether there are such or not. */
export function namesOf(env: Env): string[] {
  // An array of wrangler.jsonc comes as one; a variable of the environment is a list with commas.
  const names = String(env.CLAUDE_EDGE_DIALECTS ?? DEFAULT).split(",");
  return names.map((name) => name.trim()).filter((name) => name !== "");
}
