import { SESSION_ID } from "@claude-edge/protocol";

const encoder = new TextEncoder();

/**
 * The session that a client means by an id. One that is no UUID is derived from: a UUID of version 8, out of a digest
 * of account and id, so that nothing has to be kept for it and no other account comes to the same.
 */
export async function sessionIdOf(account: string, id: string): Promise<string> {
  if (SESSION_ID.test(id)) return id;
  const digest = await crypto.subtle.digest(
    "SHA-256",
    encoder.encode(`session\n${account}\n${id}`),
  );
  const bytes = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  const hex = bytes.join("");
  const [start, middle] = [`${hex.slice(0, 8)}-${hex.slice(8, 12)}`, hex.slice(13, 16)];
  return `${start}-8${middle}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
