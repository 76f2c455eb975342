import { EdgeError } from "@claude-edge/protocol";

import type { Env } from "../env.js";
import { claudeCode } from "./claude-code.js";
import { conversations } from "./conversations.js";
import type { Dialect } from "./dialect.js";
import { messages } from "./messages.js";
import { namesOf } from "./names.js";
import { query } from "./query.js";
import { studio } from "./studio.js";

/** Every dialect. Where two have a path, the one that comes first decides by the body's shape whose it is. */
export const DIALECTS: readonly Dialect[] = [messages, query, claudeCode, studio, conversations];

/** Whether a deployment speaks a dialect. @throws EdgeError `setting_invalid` when the variable names one that is none. */
export function isOn(env: Env, { name }: Dialect): boolean {
  const names = namesOf(env);
  const known = DIALECTS.map((dialect) => dialect.name);
  const unknown = names.find((word) => !known.includes(word));
  if (unknown === undefined) return names.includes(name);
  const message = `CLAUDE_EDGE_DIALECTS names ${JSON.stringify(unknown)}; there are ${known.join(", ")}.`;
  throw new EdgeError("setting_invalid", message);
}
