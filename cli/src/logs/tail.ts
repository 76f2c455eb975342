import type { LogLevel } from "@claude-edge/protocol/internal";

import { entriesOf, entryOf, type SourcedEntry } from "./entries.js";

/** An envelope of `wrangler tail --format json`: one invocation of the Worker or of an object. */
interface Envelope {
  outcome?: string;
  logs: { message: unknown; level?: string; timestamp?: number }[];
  exceptions?: { name?: string; message?: unknown; stack?: string; timestamp?: number }[];
  eventTimestamp?: number | null;
}

/** An object that does not end after so many characters is none, or not one of wrangler's. */
const MAX_CHARS = 8 * 1024 * 1024;

const LEVELS: Record<string, LogLevel> = { debug: "debug", warn: "warn", error: "error" };

/**
 * Reads the output of `wrangler tail --format json`, which spreads an object over many lines. What is none passes as
 * wrangler's own lines.
 */
export class TailReader {
  #rest = "";
  #object: string[] = [];
  #chars = 0;

  /** The entries that this piece of the output completes. */
  read(text: string): SourcedEntry[] {
    const lines = `${this.#rest}${text}`.split("\n");
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => this.#line(line));
  }

  /** What was left when the output ended. */
  end(): SourcedEntry[] {
    return [...this.read("\n"), ...this.#giveUp()].filter(({ message }) => message !== "");
  }

  #line(line: string): SourcedEntry[] {
    if (this.#object.length === 0) {
      if (!line.startsWith("{")) return passing(line);
      if (line.endsWith("}")) return entriesIn(line) ?? passing(line);
    } else if (line.startsWith("{")) {
      // Strings hold no line ends, and what is within an object is indented.
      return [...this.#giveUp(), ...this.#line(line)];
    }
    this.#object.push(line);
    this.#chars += line.length;
    if (line !== "}") return this.#chars > MAX_CHARS ? this.#giveUp() : [];
    const entries = entriesIn(this.#object.join("\n"));
    if (!entries) return this.#giveUp();
    this.#reset();
    return entries;
  }

  #giveUp(): SourcedEntry[] {
    const lines = this.#object;
    this.#reset();
    return lines.flatMap(passing);
  }

  #reset(): void {
    this.#object = [];
    this.#chars = 0;
  }
}

const passing = (line: string): SourcedEntry[] => entriesOf("wrangler", `${line}\n`);

/** Undefined for what is no envelope. */
function envelopeOf(text: string): Envelope | undefined {
  try {
    const value = JSON.parse(text) as Partial<Envelope>;
    return Array.isArray(value.logs) ? (value as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

function entriesIn(text: string): SourcedEntry[] | undefined {
  const envelope = envelopeOf(text);
  if (!envelope) return undefined;
  const { outcome = "ok", logs, exceptions = [], eventTimestamp } = envelope;
  const at = eventTimestamp ?? Date.now();
  const entries = logs.map(({ message, level = "log", timestamp = at }) =>
    entryOf("worker", textOf(message), timestamp, LEVELS[level]),
  );
  for (const { name = "Error", message, stack, timestamp = at } of exceptions) {
    const error = { code: "internal", message: `${name}: ${textOf(message)}`, stack };
    entries.push({ ...entryOf("worker", "uncaught exception", timestamp, "error"), error });
  }
  // Exceptions are named above, and a caller that leaves is no failure.
  if (outcome.startsWith("exceeded")) {
    entries.push({ ...entryOf("worker", "invocation cut off", at, "error"), outcome });
  }
  return entries;
}

/** What `console.log` was given. */
const textOf = (message: unknown): string =>
  (Array.isArray(message) ? message : [message])
    .map((part: unknown) => (typeof part === "string" ? part : JSON.stringify(part)))
    .join(" ");
