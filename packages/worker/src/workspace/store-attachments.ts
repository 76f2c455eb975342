import { EdgeError, type AttachedFile, type Attachment } from "@claude-edge/protocol";

import type { BlobWriter } from "./blob-writer.js";
import type { Files } from "./files.js";

/** Files of another session of the account that go with a prompt. */
export interface BorrowedFiles {
  session: string;
  paths: string[];
}

/** What goes with a prompt. */
interface Given {
  /** What a request brings or names. */
  attachments?: Attachment[] | undefined;
  /** As copies, under the names that they have there. */
  borrowed?: BorrowedFiles | undefined;
}

/**
 * Stores what came with a prompt, and only then lets it be accepted: nothing of it is collected in between.
 * @throws EdgeError `invalid_request`, `storage_full`, `file_not_found`, and as `accept`.
 */
export async function withAttachments<Value>(
  files: Files,
  { attachments = [], borrowed }: Given,
  accept: (stored?: AttachedFile[]) => Value,
): Promise<Value> {
  const others = borrowed ? files.borrow(borrowed.session, borrowed.paths) : [];
  const given = [...attachments, ...others];
  if (given.length === 0) return accept();
  return files.stored.blobs.write(async (writer) => accept(await storeAttachments(writer, given)));
}

async function storeAttachments(
  writer: BlobWriter,
  attachments: (Attachment | AttachedFile)[],
): Promise<AttachedFile[]> {
  const stored: AttachedFile[] = [];
  for (const attachment of attachments) {
    if (!("data" in attachment)) {
      stored.push(attachment);
      continue;
    }
    const bytes = decode(attachment.data);
    const { sha256, size } = await writer.add(once(bytes), { size: bytes.length });
    stored.push({ name: attachment.name, sha256, size });
  }
  await writer.end();
  return stored;
}

// oxlint-disable-next-line require-await -- as a stream is read
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

function decode(data: string): Uint8Array {
  try {
    return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw new EdgeError("invalid_request", "attachments: must be base64.", undefined, cause);
  }
}
