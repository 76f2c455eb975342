import { EdgeError, type SecretScope } from "@claude-edge/protocol";

import { toHex } from "../bytes.js";
import type { Env } from "../env.js";

/** Whose a secret is, and what it is called. A sealed value can be opened only as what it was sealed as. */
export interface SecretIdentity {
  scope: SecretScope;
  /** Empty for the deployment. */
  account: string;
  /** Empty unless it is a session's. */
  session: string;
  name: string;
}

/** A value at rest. */
export interface Sealed {
  /** Says which root key it is sealed with. */
  keyId: string;
  /** A nonce, then what AES-GCM made of the value. */
  bytes: Uint8Array;
}

/** The recommended length of a nonce for AES-GCM. */
const NONCE_BYTES = 12;

const encoder = new TextEncoder();

const bytesOf = (text: string) => encoder.encode(text);

/** Derives from a root key. Keys of tokens are derived from it too, with another `info`. */
async function derive(rootKey: string, info: string, bits: number): Promise<ArrayBuffer> {
  const secret = await crypto.subtle.importKey("raw", bytesOf(rootKey), "HKDF", false, [
    "deriveBits",
  ]);
  const salt = new Uint8Array();
  return crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt, info: bytesOf(info) },
    secret,
    bits,
  );
}

/** What is made of a root key: the key that seals, and its name, which says nothing of either. */
interface SealingKey {
  id: string;
  key: CryptoKey;
}

/** Made once for each root key: the current one and the old one. */
const made = new Map<string, SealingKey>();

async function sealingKey(rootKey: string): Promise<SealingKey> {
  const known = made.get(rootKey);
  if (known) return known;
  const raw = await derive(rootKey, "claude-edge secrets v1", 256);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const id = toHex(new Uint8Array(await derive(rootKey, "claude-edge secrets v1, key id", 64)));
  made.set(rootKey, { id, key });
  return { id, key };
}

const boundTo = ({ scope, account, session, name }: SecretIdentity) =>
  bytesOf(JSON.stringify([scope, account, session, name]));

/** The root keys that are set, the current one first. */
const rootKeys = ({ CLAUDE_EDGE_ROOT_KEY: now, CLAUDE_EDGE_ROOT_KEY_OLD: old }: Env): string[] =>
  [now, old].filter((key) => key !== undefined && key !== "") as string[];

/** Seals a value with the current root key. @throws EdgeError `not_configured`. */
export async function seal(env: Env, identity: SecretIdentity, value: string): Promise<Sealed> {
  const [rootKey] = rootKeys({ ...env, CLAUDE_EDGE_ROOT_KEY_OLD: "" });
  if (rootKey === undefined) throw new EdgeError("not_configured", "There is no root key.");
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: boundTo(identity) };
  const { id, key } = await sealingKey(rootKey);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, bytesOf(value)));
  const bytes = new Uint8Array(nonce.length + sealed.length);
  bytes.set(nonce);
  bytes.set(sealed, nonce.length);
  return { keyId: id, bytes };
}

/** @throws EdgeError `secret_unreadable` when it is of another key, or of another secret. */
export async function open(
  env: Env,
  identity: SecretIdentity,
  { keyId, bytes }: Sealed,
): Promise<string> {
  for (const rootKey of rootKeys(env)) {
    const { id, key } = await sealingKey(rootKey);
    if (id !== keyId) continue;
    const algorithm = {
      name: "AES-GCM",
      iv: bytes.slice(0, NONCE_BYTES),
      additionalData: boundTo(identity),
    };
    try {
      const value = await crypto.subtle.decrypt(algorithm, key, bytes.slice(NONCE_BYTES));
      return new TextDecoder().decode(value);
    } catch {
      // It was changed, or put in another's place.
      break;
    }
  }
  const message = `The secret ${identity.name} cannot be opened with the deployment's root key.`;
  throw new EdgeError("secret_unreadable", message, { name: identity.name });
}

/** Whether a value should be sealed anew: with the current root key. */
export async function isOfOldKey(env: Env, { keyId }: Pick<Sealed, "keyId">): Promise<boolean> {
  const [current] = rootKeys(env);
  return current !== undefined && keyId !== (await sealingKey(current)).id;
}
