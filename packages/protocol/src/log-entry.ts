/** From the least to the most important. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** An error in a log. */
export interface LoggedError {
  /** An `ErrorCode`; `internal` for what nobody foresaw. */
  code: string;
  /** Left out where it could quote somebody's content. */
  message?: string | undefined;
  /** The calls that led to it, of an error that nobody foresaw. */
  stack?: string | undefined;
}

/** What a log entry is about, as far as that is known. */
export interface LogSubject {
  /** The id of the HTTP request, as its answer names it. */
  request_id?: string | undefined;
  account?: string | undefined;
  session?: string | undefined;
  turn?: string | undefined;
  /** The container's name. */
  container?: string | undefined;
}

/** An entry of a log: one JSON object a line, from Worker, objects and runner alike. */
export interface LogEntry extends LogSubject {
  level: LogLevel;
  /** When it was written, ISO 8601. */
  time: string;
  /** What happened, the same words each time: what differs is in fields. */
  message: string;
  error?: LoggedError | undefined;
  /** Who wrote it. Added by whoever collects logs of several. */
  source?: string | undefined;
  /** Fields of this message alone. */
  [field: string]: unknown;
}

/** The line of a request that the Worker has answered. Its message is {@link REQUEST_ANSWERED}. */
export interface RequestLogEntry extends LogEntry {
  method: string;
  /** The pattern that the path matched; undefined when there is no such route. */
  route?: string | undefined;
  status: number;
  /** Until the answer began. A stream goes on after it. */
  duration_ms: number;
}

export const REQUEST_ANSWERED = "request answered";

export const isLogLevel = (value: unknown): value is LogLevel =>
  LOG_LEVELS.some((level) => level === value);

/** Whether a level is at least as important as another. */
export const isAtLeast = (level: LogLevel, least: LogLevel): boolean =>
  LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);

export const isRequestEntry = (entry: LogEntry): entry is RequestLogEntry =>
  entry.message === REQUEST_ANSWERED &&
  typeof entry.method === "string" &&
  typeof entry.status === "number" &&
  typeof entry.duration_ms === "number";

/** Reads a line of a log; undefined for one that is no entry, as programs in a container write. */
export function parseLogEntry(line: string): LogEntry | undefined {
  if (!line.startsWith("{")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isLogEntry(value) ? value : undefined;
}

function isLogEntry(value: unknown): value is LogEntry {
  const { level, time, message } = value as Partial<Record<string, unknown>>;
  return (
    isLogLevel(level) &&
    typeof time === "string" &&
    !Number.isNaN(Date.parse(time)) &&
    typeof message === "string"
  );
}
