import type { TranscriptEntry } from "@claude-edge/protocol/runner";

/** A tool use that is not stored by then is asked about all the same, milliseconds. It takes about 5. */
const PATIENCE_MS = 1_000;

interface Block {
  type?: string;
  id?: string;
}

/** The tool uses of a turn that the stored transcript holds. */
export class StoredToolUses {
  readonly #ids = new Set<string>();
  readonly #awaited = new Map<string, () => void>();

  /** Entries are on their way to the account, before anything that is said from now on. */
  add(entries: TranscriptEntry["entry"][]): void {
    for (const { message } of entries) {
      const { content } = (message ?? {}) as { content?: unknown };
      if (!Array.isArray(content)) continue;
      for (const { type, id } of content as Block[]) {
        if (type !== "tool_use" || id === undefined) continue;
        this.#ids.add(id);
        this.#awaited.get(id)?.();
      }
    }
  }

  /** Resolves when a tool use is stored, or is taking too long. */
  async until(id: string): Promise<void> {
    if (this.#ids.has(id)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      this.#awaited.set(id, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#awaited.delete(id);
  }

  /** Another turn begins. */
  clear(): void {
    this.#ids.clear();
  }
}
