import { errorPolicy } from "@claude-edge/protocol/errors";

import type { Context } from "./context.js";
import { inStyle } from "./terminal/style.js";

/** Anything thrown that has a code of the error table: the client's errors, the local stack's, the CLI's own. */
interface CodedError extends Error {
  code: string;
  suggestion?: string | undefined;
  requestId?: string | undefined;
}

const isCoded = (thrown: unknown): thrown is CodedError =>
  thrown instanceof Error && "code" in thrown && typeof thrown.code === "string";

/** Says what went wrong, why, and what to do about it. Gives the exit code. */
export function reportError(thrown: unknown, { stderr, env }: Context): number {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const coded = isCoded(error) ? error : undefined;
  const policy = errorPolicy(coded?.code ?? "internal");
  const label = inStyle("red", "error:", stderr);
  let text = `${label} ${error.message}\n`;
  const fix = coded?.suggestion ?? (coded ? policy.suggestion : undefined);
  if (fix) text += `  fix: ${fix}\n`;
  if (coded?.requestId) text += `  request id: ${coded.requestId}\n`;
  if (!coded || env.CLAUDE_EDGE_DEBUG) text += `${error.stack}\n`;
  stderr.write(text);
  return policy.exit;
}
