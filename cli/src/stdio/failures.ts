import { failedResult } from "@claude-edge/protocol/control";
import { errorPolicy } from "@claude-edge/protocol/errors";

/** What the client throws for a turn that had begun: the program has seen some of it, and is told by a result. */
const IN_A_TURN = new Set(["TurnError", "StreamInterruptedError"]);

interface Thrown {
  code?: unknown;
  name?: unknown;
  suggestion?: unknown;
}

/** The result message of a run that failed with this error; undefined if nothing had begun. */
export function resultOf(
  thrown: unknown,
  session: string | undefined,
): Record<string, unknown> | undefined {
  const { code, name } = thrown as Thrown;
  const { message } = thrown as Error;
  // Claude Code's own words, which programs match.
  if (code === "session_not_found") return failedResult(session ?? "", [message]);
  if (!IN_A_TURN.has(String(name))) return undefined;
  return failedResult(session ?? "", [`${String(code)}: ${message}`]);
}

/** One line for standard error: the Agent SDK puts it into what it throws. */
export function lineOf(thrown: unknown): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { code, suggestion } = error as Thrown;
  const way = suggestion ?? (typeof code === "string" ? errorPolicy(code).suggestion : undefined);
  const text = typeof way === "string" ? `${error.message} ${way}` : error.message;
  return `error: ${text.replaceAll(/\s*\n\s*/g, " ")}\n`;
}
