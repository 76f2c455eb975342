import { EdgeError } from "@claude-edge/protocol";

import type { Env } from "../env.js";
import type { Dialect } from "./dialect.js";
import { messages } from "./messages.js";
import { studio } from "./studio.js";

/** Every dialect. Where two have a path, the one that comes first decides by the body's shape whose it is. */
export const DIALECTS: readonly Dialect[] = [messages, studio];

/** Those that are on unless `CLAUDE_EDGE_DIALECTS` says otherwise. */
const DEFAULT = "messages";

/** Whether a deployment speaks a dialect. @throws EdgeError `setting_invalid` when the variable names one that is none. */
export function isOn(env: Env, { name }: Dialect): boolean {
  // An array of wrangler.jsonc comes as one; a variable of the environment is a list with commas.
  const given = String(env.CLAUDE_EDGE_DIALECTS ?? DEFAULT).split(",");
  const names = given.map((word) => word.trim()).filter((word) => word !== "");
  const known = DIALECTS.map((dialect) => dialect.name);
  const unknown = names.find((word) => !known.includes(word));
  if (unknown === undefined) return names.includes(name);
  const message = `CLAUDE_EDGE_DIALECTS names ${JSON.stringify(unknown)}; there are ${known.join(", ")}.`;
  throw new EdgeError("setting_invalid", message);
}
