import { toWireError } from "./errors.js";
import {
  isAtLeast,
  isLogLevel,
  LOG_LEVELS,
  type LoggedError,
  type LogLevel,
  type LogSubject,
} from "./log-entry.js";

/** The variables of a deployment that its logs follow. */
export interface LogVariables {
  CLAUDE_EDGE_LOG_LEVEL?: string | undefined;
  CLAUDE_EDGE_LOG_SAMPLE?: string | number | undefined;
  CLAUDE_EDGE_LOG_CONTENT?: string | undefined;
}

export interface LogSettings {
  /** Entries below it are dropped. */
  level: LogLevel;
  /** The share of requests without an error whose line is written, 0 to 1. */
  sample: number;
  /** Whether prompts, answers and paths may be in a log. */
  content: boolean;
}

/** What an entry has beside its message. `error` is anything thrown; `content` is written only if the settings allow it. */
export interface LogFields extends LogSubject {
  error?: unknown;
  content?: Record<string, unknown> | undefined;
  [field: string]: unknown;
}

/** A text in `content` is cut to this, characters: a prompt may have a megabyte, and the platform cuts a line at 256 kB. */
const MAX_CONTENT_CHARS = 8_000;

const DEFAULTS: LogSettings = { level: "info", sample: 1, content: false };

/** Writes entries as lines of JSON. One that cannot be written is lost: a log must break nothing. */
export class Logger {
  readonly #write: (level: LogLevel, line: string) => void;
  readonly #always: LogFields;
  settings: LogSettings = DEFAULTS;

  /** @param always What is in every entry. */
  constructor(write: (level: LogLevel, line: string) => void, always: LogFields = {}) {
    this.#write = write;
    this.#always = always;
  }

  debug(message: string, fields?: LogFields): void {
    this.log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.log("error", message, fields);
  }

  log(level: LogLevel, message: string, { error, content, ...fields }: LogFields = {}): void {
    if (!isAtLeast(level, this.settings.level)) return;
    const entry = {
      level,
      time: new Date().toISOString(),
      message,
      ...this.#always,
      ...fields,
      ...(error === undefined ? {} : { error: loggedError(error, this.settings.content) }),
      ...(content && this.settings.content ? { content } : {}),
    };
    const cut = (key: string, value: unknown) =>
      typeof value === "string" && key !== "stack" ? value.slice(0, MAX_CONTENT_CHARS) : value;
    try {
      this.#write(level, JSON.stringify(entry, cut));
    } catch {
      // A reader of standard output that has gone.
    }
  }

  /** Whether a request without an error is one of those that are written. */
  isSampled(): boolean {
    const { sample } = this.settings;
    return sample >= 1 || Math.random() < sample;
  }
}

/** Reads the settings; what cannot be read counts as not set, see {@link logSettingProblem}. */
export function logSettings(variables: LogVariables): LogSettings {
  const { level, sample, content } = given(variables);
  return {
    level: isLogLevel(level) ? level : DEFAULTS.level,
    sample: isShare(sample) ? Number(sample) : DEFAULTS.sample,
    content: content === "true",
  };
}

/** What is wrong with the settings, in a sentence; undefined when nothing is. */
export function logSettingProblem(variables: LogVariables): string | undefined {
  const { level, sample, content } = given(variables);
  const problem = (name: keyof LogVariables, form: string) =>
    `${name} is ${JSON.stringify(variables[name])}: it must be ${form}.`;
  if (level !== "" && !isLogLevel(level)) {
    return problem("CLAUDE_EDGE_LOG_LEVEL", LOG_LEVELS.join(", "));
  }
  if (sample !== "" && !isShare(sample)) return problem("CLAUDE_EDGE_LOG_SAMPLE", "from 0 to 1");
  if (!["", "true", "false"].includes(content)) {
    return problem("CLAUDE_EDGE_LOG_CONTENT", "true or false");
  }
  return undefined;
}

/** A variable that is empty counts as not set. */
const given = (variables: LogVariables) => ({
  level: String(variables.CLAUDE_EDGE_LOG_LEVEL ?? "").trim(),
  sample: String(variables.CLAUDE_EDGE_LOG_SAMPLE ?? "").trim(),
  content: String(variables.CLAUDE_EDGE_LOG_CONTENT ?? "").trim(),
});

const isShare = (text: string): boolean => /^\d*\.?\d+$/.test(text) && Number(text) <= 1;

/** Codes whose messages are written by this project about its own state. All others may quote a prompt, a path or a program. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  "account_erasing",
  "budget_spent",
  "container_full",
  "container_unavailable",
  "file_damaged",
  "jurisdiction_changed",
  "model_not_configured",
  "model_unreachable",
  "not_configured",
  "overloaded",
  "protocol_mismatch",
  "queue_full",
  "rate_limited",
  "secret_unreadable",
  "setting_invalid",
  "storage_full",
  "too_many_readers",
  "version_skew",
  "workspace_unavailable",
]);

/** Anything thrown, as a log has it. `withContent`: its message may quote content. */
function loggedError(thrown: unknown, withContent: boolean): LoggedError {
  const { code, message } = codeOf(thrown);
  if (code !== "internal") {
    if (withContent) return { code, message };
    return OWN_WORDS.has(code) ? { code, message: withoutQuote(message) } : { code };
  }
  if (!(thrown instanceof Error)) return { code, message };
  const stack = framesOf(thrown);
  const cause = thrown.cause instanceof Error ? ` (${wordsOf(thrown.cause)})` : "";
  return { code, message: `${wordsOf(thrown)}${cause}`, ...(stack === "" ? {} : { stack }) };
}

/** Errors come thrown, and as they travel. */
function codeOf(thrown: unknown): { code: string; message: string } {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  const isOnTheWire = typeof thrown === "object" && thrown !== null && !(thrown instanceof Error);
  if (isOnTheWire && typeof code === "string" && typeof message === "string") {
    return { code, message };
  }
  if (thrown instanceof Error || isOnTheWire) return toWireError(thrown);
  return { code: "internal", message: `thrown: ${typeof thrown}` };
}

const wordsOf = ({ name, message }: Error): string => `${name}: ${withoutQuote(message)}`;

/** `JSON.parse` quotes the text around what it stumbles over. */
const withoutQuote = (message: string): string =>
  message.replace(/^Unexpected token .* is not valid JSON$/s, "It is not valid JSON.");

/** The stack without its first lines, which repeat the message. */
function framesOf({ stack = "" }: Error): string {
  const lines = stack.split("\n").map((line) => line.trim());
  return lines.filter((line) => line.startsWith("at ")).join("\n");
}
