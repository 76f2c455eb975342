import { toHex } from "../bytes.js";
import type { SecretIdentity } from "./sealing.js";

/** Begins every placeholder: what does not hold this holds none. */
export const PLACEHOLDER_START = "ce_secret_";

/**
 * What the container holds in place of a value: whose it is, and 128 random bits. Letters, digits and underscores alone,
 * so that no header, query or body writes it in another way.
 */
const PLACEHOLDER = /ce_secret_(?:d|a|s[0-9a-f]{32})_[0-9a-f]{32}/g;

/** Of whom a placeholder is, without the account: it is looked up in that of the container alone. */
const ownerPart = ({ scope, session }: Pick<SecretIdentity, "scope" | "session">) =>
  scope === "session" ? `s${session.replaceAll("-", "")}` : scope === "account" ? "a" : "d";

export const newPlaceholder = (owner: Pick<SecretIdentity, "scope" | "session">): string =>
  `${PLACEHOLDER_START}${ownerPart(owner)}_${toHex(crypto.getRandomValues(new Uint8Array(16)))}`;

/** The placeholders in a text, each once. */
export function placeholdersIn(text: string): string[] {
  return text.includes(PLACEHOLDER_START) ? [...new Set(text.match(PLACEHOLDER))] : [];
}

/** Turns the placeholders of a session in a text into those of its fork, whose secrets are copies. */
export function forFork(text: string, from: string, to: string): string {
  const start = (session: string) =>
    `${PLACEHOLDER_START}${ownerPart({ scope: "session", session })}_`;
  return text.replaceAll(start(from), start(to));
}
