import { isAtLeast, type LogEntry, type LogLevel } from "@claude-edge/protocol/internal";

/** What entries are looked for. Of an id its beginning will do. */
export interface LogFilter {
  turn?: string | undefined;
  session?: string | undefined;
  request?: string | undefined;
  account?: string | undefined;
  /** The least important level. */
  level?: LogLevel | undefined;
}

/** Whether an entry is one that is looked for. */
export function matches(entry: LogEntry, filter: LogFilter): boolean {
  const { turn, session, request, account, level } = filter;
  return (
    (level === undefined || isAtLeast(entry.level, level)) &&
    (account === undefined || entry.account === account) &&
    begins(entry.turn, turn) &&
    begins(entry.session, session) &&
    begins(entry.request_id, request)
  );
}

const begins = (id: unknown, wanted: string | undefined): boolean =>
  wanted === undefined || (typeof id === "string" && id.startsWith(wanted));
