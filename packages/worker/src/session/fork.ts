import {
  EdgeError,
  type ForkSessionRequest,
  type SessionOptions,
  type SessionResource,
} from "@claude-edge/protocol";
import type { BlobHead, TranscriptEntry, WorkspaceEntry } from "@claude-edge/protocol/runner";

import type { Place } from "../files/blob-index.js";
import { ByteReader, mergeChunks, streamOf } from "../files/byte-reader.js";
import { applyChanges } from "../files/edit.js";
import type { FileStore } from "../files/file-store.js";
import type { Files } from "../files/files.js";
import { blobBytes, ndjson } from "../files/transfer.js";
import { EMPTY } from "../files/tree.js";
import { entriesBetween, walk } from "../files/walk.js";
import { forFork } from "../secrets/placeholder.js";
import type { NewSession, SessionSettings } from "./row-types.js";
import type { Store } from "./store.js";

/** A point in a session: its conversation and files. */
export interface ForkPoint {
  origin: NonNullable<SessionResource["forked_from"]>;
  /** The last transcript position to copy. */
  upTo?: number | undefined;
  message?: string | undefined;
  /** The root of its files. */
  root: string;
}

/**
 * A line of the exported copy, in this order. Packs in R2 are referred to, with those of their blobs that the fork has.
 * Blobs in the session's SQLite come last, each as a head line followed by its bytes.
 */
type Line =
  | { kind: "session"; session: SessionSettings }
  | { kind: "transcript"; subpath: string; entry: TranscriptEntry["entry"] }
  | { kind: "file"; entry: WorkspaceEntry }
  | {
      kind: "pack";
      key: string;
      size: number;
      blobs: [hash: string, place: { start: number; size: number }][];
    }
  | { kind: "blobs"; count: number };

/** A blob and where it is in its pack. */
type PackedBlob = [hash: string, place: Pick<Place, "start" | "size">];

/** Packs in one call to the account. */
const PACKS_PER_CALL = 1_000;

/** @throws EdgeError `turn_not_found`, `message_not_found`, `turn_running`, `invalid_request`. */
export function forkPoint(
  store: Store,
  files: FileStore,
  { message_id: message, turn_id: turn }: ForkSessionRequest,
): ForkPoint {
  if (message !== undefined && turn !== undefined) {
    throw new EdgeError("invalid_request", "turn_id: cannot be given with message_id.");
  }
  const { id } = store;
  if (message !== undefined) {
    store.transcripts.assertHas(message, id);
    const origin = { session_id: id, message_id: message };
    return { origin, message, root: files.stateOfMessage(message).root };
  }
  // A turn that runs may add to it while it is copied.
  const upTo = turn === undefined ? store.transcripts.lastPosition() : transcriptEnd(store, turn);
  const origin = { session_id: id, ...(turn === undefined ? {} : { turn_id: turn }) };
  return { origin, upTo, root: files.state(turn).root };
}

/** The transcript position at the end of a turn. @throws EdgeError `turn_not_found`, `turn_running`. */
export function transcriptEnd(store: Store, id: string): number {
  const turn = store.turn(id);
  if (!turn) {
    throw new EdgeError("turn_not_found", `There is no turn ${id} in session ${store.id}.`);
  }
  if (turn.end_seq === null) throw new EdgeError("turn_running", `Turn ${id} has not ended.`);
  return turn.transcript_end ?? 0;
}

/** Exports a session for a fork with the id `to`. The transcript is rewritten for that id. */
export function exportFork(
  store: Store,
  files: FileStore,
  { origin, upTo, message, root }: ForkPoint,
  to: string,
  newTitle: string | undefined,
): ReadableStream<Uint8Array> {
  const { settings } = store;
  // The account has copied the secrets, whose placeholders name their session.
  const options = JSON.parse(
    forFork(JSON.stringify(settings.options), store.id, to),
  ) as SessionOptions;
  const session = { ...settings, options, title: newTitle ?? settings.title, forkedFrom: origin };
  const unpin = files.pin(root);
  const { shared, copied } = contentsOf(files, root);
  function* lines(): Generator<Line> {
    yield { kind: "session", session };
    for (const { subpath, entry } of store.transcripts.entriesFor(store.id, to, {
      message,
      upTo,
    })) {
      yield { kind: "transcript", subpath, entry };
    }
    for (const entry of entriesBetween(files.trees, EMPTY, root)) yield { kind: "file", entry };
    for (const [key, { size, places }] of shared) {
      const blobs = places.map((place): PackedBlob => [place.hash, place]);
      yield { kind: "pack", key, size, blobs };
    }
    yield { kind: "blobs", count: copied.length };
  }
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* ndjson(lines());
      yield* blobBytes(files.blobs, copied);
    } finally {
      unpin();
    }
  }
  return streamOf(mergeChunks(bytes()), unpin);
}

/** The contents of a state: those in R2 by their packs, and the hashes of the others. @throws EdgeError `file_damaged`. */
function contentsOf(
  { trees, blobs: { index } }: FileStore,
  root: string,
): { shared: Map<string, { size: number; places: Place[] }>; copied: string[] } {
  const hashes = new Set<string>();
  for (const { node } of walk(trees, root)) if (node.type === "file") hashes.add(node.sha256);
  const found = index.findAll(hashes);
  const missing = [...hashes].find((hash) => !found.has(hash));
  if (missing !== undefined) {
    throw new EdgeError("file_damaged", `The content ${missing} is missing.`);
  }
  const shared = new Map<string, { size: number; places: Place[] }>();
  const copied: string[] = [];
  for (const [id, places] of Map.groupBy(found.values(), ({ pack }) => pack)) {
    const { key, size } = index.pack(id)!;
    if (key === null) copied.push(...places.map(({ hash }) => hash));
    else shared.set(key, { size, places });
  }
  return { shared, copied };
}

/** The object that a fork comes into. */
interface NewFork extends Pick<NewSession, "id" | "container"> {
  /** Notes with the account that the session with a folder in R2 refers to packs of others. */
  share(folder: string, packs: string[]): Promise<void>;
}

/**
 * Creates a session from the stream of {@link exportFork}. The session exists once everything is stored, and the account
 * knows which packs it refers to. Call it on an empty object, and clear the object if this throws.
 */
export async function importFork(
  store: Store,
  files: Files,
  stream: ReadableStream<Uint8Array>,
  { id, container, share }: NewFork,
): Promise<void> {
  const { stored } = files;
  const reader = new ByteReader(stream);
  const nextLine = async () => {
    const text = await reader.line();
    if (text === undefined) throw new EdgeError("upload_cut", "The copy ended too early.");
    return JSON.parse(text) as unknown;
  };
  const entries: WorkspaceEntry[] = [];
  const transcript = new TranscriptRows(store);
  /** Keys of packs in R2. */
  const packs: string[] = [];
  let session: SessionSettings | undefined;
  let blobs: number | undefined;
  try {
    while (blobs === undefined) {
      const line = (await nextLine()) as Line;
      if (line.kind === "session") session = line.session;
      else if (line.kind === "transcript") transcript.add(line);
      else if (line.kind === "file") entries.push(line.entry);
      else if (line.kind === "blobs") blobs = line.count;
      else {
        const { key, size, blobs: list } = line;
        stored.blobs.index.add(stored.blobs.index.adoptPack(key), size, new Map(list));
        packs.push(key);
      }
    }
    transcript.flush();
    await stored.blobs.write(async (writer) => {
      for (let left = blobs!; left > 0; left -= 1) {
        const { sha256: hash, size } = (await nextLine()) as BlobHead;
        await writer.add(reader.take(size), { hash, size });
      }
      await writer.end();
      // A session that is not made after all releases them with its folder.
      for (let first = 0; first < packs.length; first += PACKS_PER_CALL) {
        await share(stored.openFolder(), packs.slice(first, first + PACKS_PER_CALL));
      }
      const root = applyChanges(stored.trees, EMPTY, entries);
      store.transaction(() => {
        store.insertSession({ ...session!, id, container, ephemeral: false }, Date.now());
        if (root !== EMPTY) files.record(0, { turn: "", reason: "fork", root }, EMPTY);
      });
    });
  } finally {
    reader.cancel();
  }
}

/** Entries of a copied transcript in one row. */
const ROW_ENTRIES = 50;

/** Appends the entries of a copied transcript, many in a row. */
class TranscriptRows {
  readonly #store: Store;
  #subpath = "";
  #entries: TranscriptEntry["entry"][] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  add({ subpath, entry }: Extract<Line, { kind: "transcript" }>): void {
    if (subpath !== this.#subpath || this.#entries.length === ROW_ENTRIES) this.flush();
    this.#subpath = subpath;
    this.#entries.push(entry);
  }

  flush(): void {
    this.#store.transcripts.append(this.#subpath, this.#entries);
    this.#entries = [];
  }
}
