import type { TranscriptEntry } from "@claude-edge/protocol/runner";

/** How long to wait for a tool's use or result to be stored, milliseconds. It takes about 5. */
const PATIENCE_MS = 1_000;

interface Block {
  type?: string;
  id?: string;
  tool_use_id?: string;
}

/** The ids of the tool uses whose results are among the blocks of a message. */
export function toolResultsIn(message: unknown): string[] {
  return blocksOf(message).flatMap(({ type, tool_use_id: id }) =>
    type === "tool_result" && id !== undefined ? [id] : [],
  );
}

/** The tool uses of a turn, and their results, that are in the stored transcript. */
export class StoredTools {
  readonly #uses = new StoredIds();
  readonly #results = new StoredIds();

  /** Entries are in the log, ahead of anything that is appended from now on. */
  add(entries: TranscriptEntry["entry"][]): void {
    for (const { message } of entries) {
      for (const { type, id } of blocksOf(message)) {
        if (type === "tool_use" && id !== undefined) this.#uses.add(id);
      }
      for (const id of toolResultsIn(message)) this.#results.add(id);
    }
  }

  /** Resolves when a tool use is stored: true; or after a second without it. */
  whenUsed(id: string): Promise<boolean> {
    return this.#uses.when(id);
  }

  /** The same for its result. */
  whenAnswered(id: string): Promise<boolean> {
    return this.#results.when(id);
  }

  /** Another turn begins. */
  clear(): void {
    this.#uses.clear();
    this.#results.clear();
  }
}

class StoredIds {
  readonly #ids = new Set<string>();
  readonly #awaited = new Map<string, () => void>();

  add(id: string): void {
    this.#ids.add(id);
    this.#awaited.get(id)?.();
  }

  async when(id: string): Promise<boolean> {
    if (this.#ids.has(id)) return true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      this.#awaited.set(id, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#awaited.delete(id);
    return this.#ids.has(id);
  }

  clear(): void {
    this.#ids.clear();
  }
}

function blocksOf(message: unknown): Block[] {
  const { content } = (message ?? {}) as { content?: unknown };
  return Array.isArray(content) ? (content as Block[]) : [];
}
