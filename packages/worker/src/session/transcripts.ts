import { EdgeError } from "@claude-edge/protocol";
import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import { cut, numberOf, PART_CHARS, partKey } from "../sql/parts.js";

/** In place of a boot: the transcript was rewound, so it must be sent to the runner again. */
export const REWOUND = "rewound";

type Entry = TranscriptEntry["entry"];

/** What one frame of the runner's log brought. */
interface Batch {
  position: number;
  subpath: string;
  /** A JSON list. */
  data: string;
}

/** The session's transcript, from which the agent resumes in a new container. Positions count batches of entries. */
export class Transcripts {
  readonly #sql: SqlStorage;
  /** How often entries were deleted: later ones get their positions again. */
  #truncations = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  append(subpath: string, entries: Entry[]): void {
    if (entries.length === 0) return;
    const position = this.lastPosition() + 1;
    for (const [part, data] of cut(JSON.stringify(entries)).entries()) {
      this.#sql.exec(
        "INSERT INTO transcripts (id, subpath, data) VALUES (?, ?, ?)",
        partKey(position, part),
        subpath,
        data,
      );
    }
  }

  /** The last position; 0 for an empty transcript. */
  lastPosition(): number {
    const query = "SELECT max(id) AS id FROM transcripts";
    const { id } = this.#sql.exec<{ id: number | null }>(query).one();
    return id === null ? 0 : numberOf(id);
  }

  get isEmpty(): boolean {
    return this.lastPosition() === 0;
  }

  /** The transcript as NDJSON of {@link TranscriptEntry}, for the runner. */
  stream(): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let position = 0;
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const batches = this.#page(position);
        if (batches.length === 0) return controller.close();
        position = batches.at(-1)!.position;
        const lines = batches.flatMap(({ subpath, data }) =>
          entriesOf(data).map((entry) => {
            const line: TranscriptEntry = subpath === "" ? { entry } : { subpath, entry };
            return `${JSON.stringify(line)}\n`;
          }),
        );
        controller.enqueue(encoder.encode(lines.join("")));
      },
    });
  }

  /**
   * The transcript as it is now, line by line as in {@link stream}. It can be read again, and leaves out what is appended
   * meanwhile. A read throws if entries were deleted meanwhile.
   */
  snapshot(): () => Generator<string> {
    const [upTo, truncations] = [this.lastPosition(), this.#truncations];
    // JSON has no NUL, so nothing is rewritten.
    const entries = () => this.entriesFor("\0", "", { upTo });
    const assertWhole = () => {
      if (this.#truncations === truncations) return;
      throw new EdgeError("internal", "The session was rewound meanwhile.");
    };
    return function* lines() {
      for (const { subpath, entry } of entries()) {
        assertWhole();
        const line: TranscriptEntry = subpath === "" ? { entry } : { subpath, entry };
        yield `${JSON.stringify(line)}\n`;
      }
      assertWhole();
    };
  }

  /** The entries of the main transcript, in order. */
  *entries(): Generator<Entry> {
    for (const { subpath, data } of this.#batches()) if (subpath === "") yield* entriesOf(data);
  }

  /** Deletes entries after a position. */
  truncate(position: number): void {
    this.#truncations += 1;
    this.#sql.exec("DELETE FROM transcripts WHERE id >= ?", partKey(position + 1, 0));
  }

  /** @throws EdgeError `message_not_found`. */
  assertHas(message: string, session: string): void {
    for (const entry of this.entries()) if (entry.uuid === message) return;
    throw new EdgeError("message_not_found", `Session ${session} has no message ${message}.`);
  }

  /** The transcript up to a message or position, or all of it, rewritten for another session's id. */
  *entriesFor(
    from: string,
    to: string,
    { message, upTo = Infinity }: { message?: string | undefined; upTo?: number | undefined } = {},
  ): Generator<{ subpath: string; entry: Entry }> {
    let found = message === undefined;
    for (const { position, subpath, data } of this.#batches()) {
      if (position > upTo) return;
      const isMain = subpath === "";
      // The session's id occurs in every entry and in workspace paths. It is a UUID, so nothing else matches.
      for (const entry of entriesOf(data.replaceAll(from, to))) {
        if (isMain && message !== undefined && found) continue;
        yield { subpath, entry };
        if (isMain && message !== undefined && entry.uuid === message) found = true;
      }
    }
  }

  *#batches(): Generator<Batch> {
    for (let position = 0; ;) {
      const batches = this.#page(position);
      if (batches.length === 0) return;
      yield* batches;
      position = batches.at(-1)!.position;
    }
  }

  /** Batches after a position: about a megabyte, at least one. */
  #page(after: number): Batch[] {
    const batches: Batch[] = [];
    let chars = 0;
    const rows = this.#sql.exec<{ id: number; subpath: string; data: string }>(
      "SELECT id, subpath, data FROM transcripts WHERE id >= ? ORDER BY id",
      partKey(after + 1, 0),
    );
    for (const { id, subpath, data } of rows) {
      const position = numberOf(id);
      const last = batches.at(-1);
      if (last?.position === position) last.data += data;
      else if (chars > PART_CHARS) break;
      else batches.push({ position, subpath, data });
      chars += data.length;
    }
    return batches;
  }
}

const entriesOf = (data: string): Entry[] => JSON.parse(data) as Entry[];
