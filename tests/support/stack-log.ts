import { parseLogEntry, type LogEntry } from "@claude-edge/protocol/internal";
import type { LocalOptions } from "@claude-edge/local";

import { until } from "./wait.js";

/** What Worker and containers of a stack write. */
export class StackLog {
  text = "";

  /** For `useOwnStack`. */
  readonly onLog: NonNullable<LocalOptions["onLog"]> = (_source, text) => {
    this.text += text;
  };

  get entries(): LogEntry[] {
    return this.text.split("\n").flatMap((line) => parseLogEntry(line) ?? []);
  }

  /** Waits for entries with these fields: the log comes to the test behind the answers. */
  async with(fields: Record<string, unknown>, count = 1, ms?: number): Promise<LogEntry[]> {
    const found = () =>
      this.entries.filter((entry) =>
        Object.entries(fields).every(([name, value]) => entry[name] === value),
      );
    await until(`log entries with ${JSON.stringify(fields)}`, () => found().length >= count, ms);
    return found();
  }
}
