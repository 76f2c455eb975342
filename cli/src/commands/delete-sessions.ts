import type { ClaudeEdge, SessionResource } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { findSession } from "../sessions/find.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { canAsk, confirm } from "../terminal/prompts.js";

export interface DeleteSessionsFlags extends TargetFlags {
  yes?: boolean;
}

const MAX_TITLE = 60;

/** `claude-edge sessions delete`. Gives the exit code. @throws EdgeError `usage` where nobody can be asked. */
export async function deleteSessions(
  ids: string[],
  { yes, ...target }: DeleteSessionsFlags,
  context: Context,
): Promise<number> {
  const { stderr, signal } = context;
  if (!yes && !canAsk(context)) {
    throw new EdgeError("usage", "There is no terminal to ask in: --yes deletes without asking.");
  }
  const edge = connect(target, context);
  const sessions = await findAll(edge, ids, signal);
  if (!yes) {
    const isSure = await confirm(question(sessions), context);
    if (isSure === undefined) return EXIT.interrupted;
    if (!isSure) {
      stderr.write("nothing was deleted\n");
      return EXIT.cancelled;
    }
  }
  for (const session of sessions) {
    await edge.sessions.open(session.id).delete({ signal });
    stderr.write(`deleted: ${session.id} ${nameOf(session)}\n`);
  }
  return EXIT.ok;
}

/** Each once. All must be there before the first is deleted. */
async function findAll(
  edge: ClaudeEdge,
  ids: string[],
  signal: AbortSignal,
): Promise<SessionResource[]> {
  const sessions = new Map<string, SessionResource>();
  for (const given of ids) {
    const id = await findSession(edge, given, signal);
    if (!sessions.has(id)) sessions.set(id, await edge.sessions.open(id).retrieve({ signal }));
  }
  return [...sessions.values()];
}

const nameOf = ({ title }: SessionResource) => oneLine(title ?? "", MAX_TITLE);

function question(sessions: SessionResource[]): string {
  const lines = sessions.map((session) => {
    const stops = session.status === "idle" ? "" : ` (${session.status}: it will be stopped)`;
    return `  ${session.id.slice(0, 8)}  ${nameOf(session)}${stops}`;
  });
  const what = sessions.length === 1 ? "this session" : `these ${sessions.length} sessions`;
  return [`Delete ${what} with all it holds?`, ...lines].join("\n");
}
