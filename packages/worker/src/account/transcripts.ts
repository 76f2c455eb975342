import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import { cut, PART_CHARS } from "./parts.js";

/** Stands for the boot of a runner that has more of a transcript than there is, and is to be given it anew. */
export const REWOUND = "rewound";

interface Row {
  position: number;
  subpath: string;
  data: string;
}

/** The transcripts of an account's sessions: what the agent resumes from in a container that has never seen it. */
export class Transcripts {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  append(session: string, subpath: string, entries: TranscriptEntry["entry"][]): void {
    let position = this.lastPosition(session);
    for (const entry of entries) {
      position += 1;
      for (const [part, data] of cut(JSON.stringify(entry)).entries()) {
        this.#sql.exec(
          "INSERT INTO transcripts (session_id, position, part, subpath, data) VALUES (?, ?, ?, ?, ?)",
          session,
          position,
          part,
          subpath,
          data,
        );
      }
    }
  }

  /** How far a session's transcript goes; 0 for none. */
  lastPosition(session: string): number {
    const row = this.#sql
      .exec<{ position: number | null }>(
        "SELECT max(position) AS position FROM transcripts WHERE session_id = ?",
        session,
      )
      .one();
    return row.position ?? 0;
  }

  has(session: string): boolean {
    return this.lastPosition(session) > 0;
  }

  delete(session: string): void {
    this.#sql.exec("DELETE FROM transcripts WHERE session_id = ?", session);
  }

  /** A transcript as the runner takes it: NDJSON of {@link TranscriptEntry}. */
  stream(session: string): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let position = 0;
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const rows = this.#page(session, position);
        if (rows.length === 0) return controller.close();
        position = rows.at(-1)!.position;
        const lines = rows.map(({ subpath, data }) => {
          const path = subpath === "" ? "" : `"subpath":${JSON.stringify(subpath)},`;
          return `{${path}"entry":${data}}\n`;
        });
        controller.enqueue(encoder.encode(lines.join("")));
      },
    });
  }

  /** The entries of a session's main transcript, one after the other. */
  *entries(session: string): Generator<TranscriptEntry["entry"]> {
    for (let position = 0; ;) {
      const rows = this.#page(session, position);
      if (rows.length === 0) return;
      for (const { subpath, data } of rows) {
        if (subpath === "") yield JSON.parse(data) as TranscriptEntry["entry"];
      }
      position = rows.at(-1)!.position;
    }
  }

  /** Forgets what is behind a position. */
  truncate(session: string, position: number): void {
    this.#sql.exec(
      "DELETE FROM transcripts WHERE session_id = ? AND position > ?",
      session,
      position,
    );
  }

  /**
   * Copies a transcript under another session's name, whole, up to a message or up to a position.
   * Gives whether the message was found.
   */
  copy(
    from: string,
    to: string,
    { message, upTo = Infinity }: { message?: string | undefined; upTo?: number | undefined } = {},
  ): boolean {
    let found = message === undefined;
    for (let position = 0; ;) {
      const rows = this.#page(from, position);
      if (rows.length === 0) return found;
      for (const { position: place, subpath, data } of rows) {
        if (place > upTo) return found;
        const isMain = subpath === "";
        if (isMain && message !== undefined && found) continue;
        // The id is in every entry, and in the path of the workspace: a UUID, so nothing else reads the same.
        const entry = JSON.parse(data.replaceAll(from, to)) as TranscriptEntry["entry"];
        this.append(to, subpath, [entry]);
        if (isMain && entry.uuid === message && message !== undefined) found = true;
      }
      position = rows.at(-1)!.position;
    }
  }

  /** Entries behind a position, about a megabyte of them and at least one. */
  #page(session: string, after: number): Row[] {
    const rows: Row[] = [];
    let chars = 0;
    const cursor = this.#sql.exec<Row & Record<string, SqlStorageValue>>(
      "SELECT position, subpath, data FROM transcripts WHERE session_id = ? AND position > ? ORDER BY position, part",
      session,
      after,
    );
    for (const { position, subpath, data } of cursor) {
      const last = rows.at(-1);
      if (last?.position === position) last.data += data;
      else if (chars > PART_CHARS) break;
      else rows.push({ position, subpath, data });
      chars += data.length;
    }
    return rows;
  }
}
