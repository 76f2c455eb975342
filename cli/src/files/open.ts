import type { Session } from "@claude-edge/client";

import type { Context } from "../context.js";
import { findSession } from "../sessions/find.js";
import { connect, type TargetFlags } from "../target/target.js";
import { findState } from "./state.js";

/** The flags of each command about files. */
export interface FilesFlags extends TargetFlags {
  json?: boolean;
}

/** The flags of those that read a state of them. */
export interface StateFlags extends FilesFlags {
  at?: string;
}

/** The session that is meant. @throws EdgeError `session_not_found`, and what `connect` throws. */
export async function openSession(
  given: string,
  flags: TargetFlags,
  context: Context,
): Promise<Session> {
  const edge = connect(flags, context);
  return edge.sessions.open(await findSession(edge, given, context.signal));
}

/** The session, and which state of its files. */
export async function openState(
  given: string,
  { at, ...flags }: StateFlags,
  context: Context,
): Promise<{ session: Session; at: string | undefined }> {
  const session = await openSession(given, flags, context);
  return { session, at: await findState(session, at, context.signal) };
}

/** People write folders with a slash behind, and the workspace as a dot. */
export const workspacePath = (path: string): string =>
  path.replace(/^\.\/+/, "").replace(/\/+$/, "");

/** `1 file`, `12 files`. */
export const countOf = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;
