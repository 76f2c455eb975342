import type { SessionResource } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { duration } from "../terminal/duration.js";
import { oneLine } from "../terminal/printable.js";
import { table } from "../terminal/table.js";

export interface ListSessionsFlags extends TargetFlags {
  limit: number;
  all?: boolean;
  tag?: string;
  status?: SessionResource["status"];
  title?: string;
  json?: boolean;
}

const HEAD = ["ID", "STATUS", "ACTIVE", "TAGS", "TITLE"];
const MAX_TAGS = 30;

/** `claude-edge sessions list`. Gives the exit code. */
export async function listSessions(flags: ListSessionsFlags, context: Context): Promise<number> {
  const { stdout, stderr, signal } = context;
  const limit = flags.all ? Infinity : flags.limit;
  const sessions: SessionResource[] = [];
  let count = 0;
  // One more than is shown, to know whether there are more.
  const { tag, status, title } = flags;
  const query = { limit: limit + 1, tag, status, title, signal };
  for await (const session of connect(flags, context).sessions.list(query)) {
    count += 1;
    if (count > limit) break;
    if (flags.json) await writeJson(stdout, session);
    else sessions.push(session);
  }
  if (sessions.length > 0) await write(stdout, sessionTable(sessions, stdout.columns));
  const isFiltered = tag !== undefined || status !== undefined || title !== undefined;
  if (count === 0) {
    stderr.write(
      isFiltered ? "no such sessions\n" : "no sessions yet: claude-edge query begins one\n",
    );
  }
  if (count > limit) {
    stderr.write(`note: these are the newest ${limit}; --limit <number> or --all shows more\n`);
  }
  return EXIT.ok;
}

function sessionTable(sessions: SessionResource[], width: number | undefined): string {
  const now = Date.now();
  const length = shortLength(sessions);
  const rows = sessions.map(
    ({ id, status, background_tasks: tasks = 0, updated_at, tags, title }) => [
      id.slice(0, length),
      tasks === 0 ? status : `${status} +${tasks}`,
      `${duration(now - Date.parse(updated_at))} ago`,
      tags.length > 0 ? oneLine(tags.join(", "), MAX_TAGS) : "-",
      title ?? "-",
    ],
  );
  return table(HEAD, rows, { width });
}

/** As much of the ids as tells them apart: callers may choose them, alike at the beginning. */
function shortLength(sessions: SessionResource[]): number {
  let length = 8;
  // One that is used while the list is read can be in it twice.
  const count = new Set(sessions.map(({ id }) => id)).size;
  while (new Set(sessions.map(({ id }) => id.slice(0, length))).size < count) length += 1;
  return length;
}
