import { EdgeError, type TurnResource } from "@claude-edge/protocol";

import { mergeChunks, streamOf } from "../files/byte-reader.js";
import { writeTar } from "../files/tar.js";
import { encoded } from "../files/transfer.js";
import type { SessionParts } from "./parts.js";
import type { Store } from "./store.js";

const TURNS_PAGE = 100;

/**
 * Exports a session as a tar: `session.json`, `turns.ndjson`, `events.ndjson`, `transcript.ndjson` and its files below
 * `files/`, all as of this call. What a running turn adds meanwhile is left out.
 * @param assertReadable Throws when the session or the caller's access is gone; the stream then errors.
 */
export function exportSession(
  { store, files }: Pick<SessionParts, "store" | "files">,
  assertReadable: () => void,
): ReadableStream<Uint8Array> {
  // The state is taken in one step. What is stored later has a higher seq or position, so it can be told apart.
  const session = store.resource();
  const time = new Date(session.updated_at);
  const turns = snapshotTurns(store);
  const transcript = store.transcripts.snapshot();
  const { root } = files.stored.checkpoints.stateAt();

  const tar = writeTar(async (entries) => {
    const checked = (lines: () => Iterable<string>) => () => guarded(lines(), assertReadable);
    await entries.text("session.json", time, () => [`${JSON.stringify(session, null, 2)}\n`]);
    await entries.text("turns.ndjson", time, checked(turns));
    await entries.text(
      "events.ndjson",
      time,
      checked(() => eventLines(store, session.last_seq)),
    );
    await entries.text("transcript.ndjson", time, checked(transcript));
    await entries.directory("files");
    await entries.folder(files.stored, root, "files/");
  }, store.subject);
  return streamOf(readable(tar, assertReadable));
}

/** The check of an export's reader, as long as it is read. `isBarred`: the reader's token is no longer valid. */
export const readerCheck = (store: Store, isBarred: () => boolean) => (): void => {
  if (!store.exists) throw new EdgeError("session_not_found", "The session was deleted.");
  if (isBarred()) throw new EdgeError("unauthorized", "The token is no longer valid.");
};

/**
 * Exports the session's transcript as NDJSON of `TranscriptEntry`, as of this call. Its last line is the number of its
 * entries, `{"entries": n}`: a stream that ends without it has broken off.
 * @param assertReadable As in {@link exportSession}.
 */
export function exportTranscript(
  { store }: Pick<SessionParts, "store">,
  assertReadable: () => void,
): ReadableStream<Uint8Array> {
  const snapshot = store.transcripts.snapshot();
  function* lines(): Generator<string> {
    let entries = 0;
    for (const line of guarded(snapshot(), assertReadable)) {
      entries += 1;
      yield line;
    }
    yield `{"entries":${entries}}\n`;
  }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield* encoded(lines());
  }
  return streamOf(chunks());
}

function* guarded(lines: Iterable<string>, assertReadable: () => void): Generator<string> {
  assertReadable();
  for (const line of lines) {
    yield line;
    assertReadable();
  }
}

/** Passes a tar on. Checked at each read, because up to 8 MiB of it may have been packed long before. */
async function* readable(
  tar: ReadableStream<Uint8Array>,
  assertReadable: () => void,
): AsyncGenerator<Uint8Array> {
  const chunks = mergeChunks(tar);
  try {
    for (;;) {
      const { done, value } = await chunks.next();
      assertReadable();
      if (done) return;
      yield value;
    }
  } catch (error) {
    // A deletion also fails what is being packed; this is the reason then.
    assertReadable();
    throw error;
  } finally {
    // Not awaited: what is read from R2 for it may stand still, and the error must not wait for that.
    void chunks.return(undefined).catch(() => {});
  }
}

/** The turns as they are now, line by line, oldest first. */
function snapshotTurns(store: Store): () => Generator<string> {
  const end = store.lastTurnPosition;
  // Turns that have ended do not change any more. These are few, because a queue is short, and have no results yet.
  const open = new Map<string, TurnResource>(
    store.openTurns().map(({ id }) => [id, store.turnResource(id)!]),
  );
  return function* lines() {
    for (let position = 0; position < end;) {
      const page = store.turnsAfter(position, end, TURNS_PAGE);
      for (const { id } of page) {
        yield `${JSON.stringify(open.get(id) ?? store.turnResource(id))}\n`;
      }
      position = page.at(-1)?.position ?? end;
    }
  };
}

/** The stored events up to a seq, line by line. */
function* eventLines({ events }: Store, upTo: number): Generator<string> {
  for (let position = 0; position < upTo;) {
    const page = events.range(position, upTo);
    for (const { kind, data } of page) yield `{"kind":"${kind}",${data.slice(1)}\n`;
    position = page.at(-1)?.seq ?? upTo;
  }
}
