import { Blobs } from "../../src/files/blobs.js";
import type { BlobWriter, Expected } from "../../src/files/blob-writer.js";
import { SqlPacks } from "../../src/files/sql-packs.js";
import { StorageRoom } from "../../src/sql/storage-room.js";
import { sessionStorage } from "./storage.js";

const GIB = 1024 * 1024 * 1024;

/** Bytes as they come, in chunks. */
// oxlint-disable-next-line require-await -- what is read is async
export async function* inChunks(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  // As workerd gives them: no Buffers, whose `slice` is no copy.
  for (const chunk of chunks) {
    yield typeof chunk === "string" ? new TextEncoder().encode(chunk) : new Uint8Array(chunk);
  }
}

/** The contents of a session's files, in its own storage. `most`: how many bytes there is room for. */
export class TestBlobs extends Blobs {
  readonly sql: SqlStorage;

  constructor(most: number = GIB) {
    const storage = sessionStorage();
    super(storage, {
      sql: new SqlPacks(storage.sql, new StorageRoom(storage.sql, Infinity), most),
      folder: () => "none",
      onReleased: () => {},
    });
    this.sql = storage.sql;
  }

  /** Stores some contents, each of its own; gives their hashes. */
  add(...contents: (string | Uint8Array)[]): Promise<string[]> {
    return this.write(async (writer) => {
      const hashes = [];
      for (const content of contents) hashes.push(await addTo(writer, content));
      await writer.end();
      return hashes;
    });
  }

  async bytesOf(hash: string, range?: { start: number; length: number }): Promise<Buffer> {
    const chunks = [];
    for await (const chunk of await this.read(hash, range)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The packs there are, and how many parts they have in all. */
  get packs(): { packs: number; parts: number } {
    const count = (table: string) =>
      Number(this.sql.exec(`SELECT count(*) AS n FROM ${table}`).one().n);
    return { packs: count("packs"), parts: count("pack_parts") };
  }
}

/** Adds a content of a known size to a writer; gives its hash. */
export async function addTo(
  writer: BlobWriter,
  content: string | Uint8Array,
  expected: Expected = {},
): Promise<string> {
  const size = Buffer.byteLength(content);
  return (await writer.add(inChunks(content), { size, ...expected })).sha256;
}
