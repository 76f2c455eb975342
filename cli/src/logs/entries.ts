import { parseLogEntry, type LogEntry, type LogLevel } from "@claude-edge/protocol/internal";

/** An entry of which it is known who wrote it. */
export type SourcedEntry = LogEntry & { source: string };

/** What one of several programs has written, whole lines of it, as entries. Lines that are none become one each. */
export function entriesOf(source: string, text: string, now: number = Date.now()): SourcedEntry[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => entryOf(source, line, now));
}

/** A text as an entry: its own, or one at this level and time that has it as its message. */
export function entryOf(
  source: string,
  text: string,
  time: number,
  level: LogLevel = "info",
): SourcedEntry {
  const entry = parseLogEntry(text);
  // The collector knows better who wrote it: a program in a container may write anything.
  if (entry) return { ...entry, source };
  return { level, time: new Date(time).toISOString(), message: text, source };
}
