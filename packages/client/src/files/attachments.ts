import type { Attachment } from "@claude-edge/protocol/wire";

import type { ClaudeEdgeError } from "../errors.js";
import type { Kit } from "./kit.js";

/** A file sent with a prompt: one in the workspace, or bytes, which are stored in its folder `attachments`. */
export type PromptAttachment =
  | {
      /** Relative to the workspace, with slashes. */
      path: string;
    }
  | {
      /** The name of the file, without a folder. */
      name: string;
      /** Its contents; a string is sent as UTF-8. */
      data: string | Uint8Array | ArrayBuffer | Blob;
    };

/** Limit for bytes inside the request, before base64: with the largest prompt the request stays under 8 MiB. */
const MAX_INLINE_BYTES = 5 * 1024 * 1024;

/**
 * Attachments as they are sent: their bytes inline, or uploaded with `upload` when they exceed the limit together.
 * @throws ClaudeEdgeError `body_too_large` when they exceed it and there is no `upload`.
 */
export async function toWire(
  kit: Kit,
  attachments: readonly PromptAttachment[],
  upload?: (path: string, data: Blob) => Promise<unknown>,
): Promise<Attachment[]> {
  const files = attachments.map((given) =>
    "path" in given
      ? given
      : { name: checked(kit, given.name), data: new Blob([given.data as BlobPart]) },
  );
  const bytes = files.reduce((sum, file) => sum + ("data" in file ? file.data.size : 0), 0);
  const isSmall = bytes <= MAX_INLINE_BYTES;
  if (!isSmall && !upload) throw tooLarge(kit, bytes);
  const made: Attachment[] = [];
  for (const file of files) {
    if ("path" in file) made.push(file);
    else if (isSmall) made.push({ name: file.name, data: await base64Of(file.data) });
    else {
      const path = `attachments/${file.name}`;
      await upload!(path, file.data);
      made.push({ path });
    }
  }
  return made;
}

function checked(kit: Kit, name: string): string {
  if (/^[^/\0]+$/.test(name) && name !== "." && name !== "..") return name;
  const message = `attachments: ${JSON.stringify(name)} must be the name of a file, without a folder.`;
  throw new kit.ClaudeEdgeError({ code: "invalid_request", message, retryable: false });
}

function tooLarge(kit: Kit, bytes: number): ClaudeEdgeError {
  return new kit.ClaudeEdgeError({
    code: "body_too_large",
    message: `The attachments have ${bytes} bytes, and ${MAX_INLINE_BYTES} can go with a query.`,
    retryable: false,
    suggestion:
      "Make a session and attach them to its prompt: `(await edge.sessions.create()).send(prompt, { attachments })` uploads them first.",
  });
}

/** In pieces whose length is a multiple of 3, so that their base64 can be joined. */
const PIECE_BYTES = 0x6000;

async function base64Of(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let base64 = "";
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    base64 += btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES)));
  }
  return base64;
}
