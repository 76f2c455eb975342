import { SESSION_ID } from "@claude-edge/protocol";

import { toHex } from "../bytes.js";

const encoder = new TextEncoder();

/**
 * Maps a client's id to a session's id. An id that is not a UUID is mapped to a version 8 UUID from a digest of account
 * and id: this needs no storage, and accounts cannot collide.
 */
export async function sessionIdOf(account: string, id: string): Promise<string> {
  if (SESSION_ID.test(id)) return id;
  const digest = await crypto.subtle.digest(
    "SHA-256",
    encoder.encode(`session\n${account}\n${id}`),
  );
  const hex = toHex(new Uint8Array(digest));
  const [start, middle] = [`${hex.slice(0, 8)}-${hex.slice(8, 12)}`, hex.slice(13, 16)];
  return `${start}-8${middle}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
