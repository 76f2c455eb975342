import { LOG_LEVELS, parseLogEntry, type LogEntry } from "@claude-edge/protocol/internal";
import { onTestFinished, vi } from "vitest";

/** Keeps what is logged off the console until the test is over. The entries come into the array. */
export function captureLog(): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const level of LOG_LEVELS) {
    const spy = vi.spyOn(console, level).mockImplementation((line: string) => {
      const entry = parseLogEntry(line);
      if (entry) entries.push(entry);
    });
    onTestFinished(() => spy.mockRestore());
  }
  return entries;
}
