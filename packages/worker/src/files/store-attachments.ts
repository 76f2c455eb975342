import { EdgeError, type AttachedFile, type Attachment } from "@claude-edge/protocol";

import type { BlobWriter } from "./blob-writer.js";
import { ByteReader } from "./byte-reader.js";
import type { Files, OpenFile } from "./files.js";

/** Files of another session of the account, to be copied as attachments under their own names. */
export interface BorrowedFiles {
  session: string;
  paths: string[];
}

/** The attachments of a prompt. */
interface PromptAttachments {
  /** Attachments in the request itself. */
  attachments?: Attachment[] | undefined;
  borrowed?: BorrowedFiles | undefined;
  /** Opens a file of another session. @throws EdgeError `file_not_found`, `not_a_file`. */
  open(session: string, path: string): Promise<OpenFile>;
}

/**
 * Stores a prompt's attachments, then accepts the prompt. Garbage collection is blocked in between.
 * @throws EdgeError `invalid_request`, `storage_full`, `file_not_found`, and as `accept`.
 */
export async function withAttachments<Value>(
  files: Files,
  { attachments = [], borrowed, open }: PromptAttachments,
  accept: (stored?: AttachedFile[]) => Promise<Value>,
): Promise<Value> {
  if (attachments.length === 0 && !borrowed) return accept();
  return files.stored.blobs.write(async (writer) => {
    const stored: AttachedFile[] = [];
    for (const attachment of attachments) {
      // An attachment with a path is in the workspace already.
      stored.push("path" in attachment ? attachment : await store(writer, attachment));
    }
    for (const path of borrowed?.paths ?? []) {
      stored.push(await copy(writer, path, await open(borrowed!.session, path)));
    }
    await writer.end();
    return accept(stored);
  });
}

async function store(
  writer: BlobWriter,
  { name, data }: Extract<Attachment, { data: string }>,
): Promise<AttachedFile> {
  const bytes = decode(data);
  const { sha256, size } = await writer.add(singleChunk(bytes), { size: bytes.length });
  return { name, sha256, size };
}

async function copy(
  writer: BlobWriter,
  path: string,
  { body, length }: OpenFile,
): Promise<AttachedFile> {
  const reader = new ByteReader(body);
  const { sha256, size } = await writer.add(reader.take(length), { size: length });
  return { name: path.split("/").at(-1)!, sha256, size };
}

// oxlint-disable-next-line require-await -- as a stream is read
async function* singleChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

function decode(data: string): Uint8Array {
  try {
    return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw new EdgeError("invalid_request", "attachments: must be base64.", undefined, cause);
  }
}
