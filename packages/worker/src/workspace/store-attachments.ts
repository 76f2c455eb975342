import { EdgeError, type AttachedFile, type Attachment } from "@claude-edge/protocol";

import type { BlobWriter } from "./blob-writer.js";
import type { Blobs } from "./blobs.js";

/** What goes with a prompt: what came along, and what is stored already. */
type Given = Attachment | AttachedFile;

/**
 * Stores what came with a prompt, and only then lets it be accepted: nothing of it is collected in between.
 * @throws EdgeError `invalid_request`, `storage_full`, and as `accept`.
 */
export async function withAttachments<Value>(
  blobs: Blobs,
  attachments: Given[] | undefined,
  accept: (stored?: AttachedFile[]) => Value,
): Promise<Value> {
  if (!attachments || attachments.length === 0) return accept();
  return blobs.write(async (writer) => accept(await storeAttachments(writer, attachments)));
}

async function storeAttachments(writer: BlobWriter, attachments: Given[]): Promise<AttachedFile[]> {
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
