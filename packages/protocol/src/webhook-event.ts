/** The types of events that webhooks are told of. */
export const WEBHOOK_TYPES = [
  "turn.completed",
  "turn.failed",
  "turn.interrupted",
  "turn.waiting",
  "request.created",
  "request.resolved",
  "session.expired",
  "budget.spent",
  "network.denied",
] as const;
/** What a webhook is told of. */
export type WebhookType = (typeof WEBHOOK_TYPES)[number];

interface OfAccount {
  account_id: string;
}
interface OfSession extends OfAccount {
  session_id: string;
}
interface OfTurn extends OfSession {
  turn_id: string;
}
interface OfRequest extends OfTurn {
  request_id: string;
  request_kind: "permission" | "question" | "network";
}

/** The data of each type: ids, to look up what they name. */
interface WebhookData {
  "turn.completed": OfTurn;
  "turn.failed": OfTurn;
  "turn.interrupted": OfTurn;
  "turn.waiting": OfTurn;
  "request.created": OfRequest;
  "request.resolved": OfRequest & { status: "answered" | "cancelled" | "expired" };
  "session.expired": OfSession;
  "budget.spent": OfAccount;
  "network.denied": OfSession & { turn_id?: string };
  /** Sent by `POST /v1/webhooks/{id}/test` alone. */
  "webhook.test": OfAccount;
}

/** The body of a webhook: what happened, when (ISO 8601), and ids. Told apart by `type`. */
export type WebhookEvent = {
  [Type in keyof WebhookData]: { type: Type; timestamp: string; data: WebhookData[Type] };
}[keyof WebhookData];

const PREFIX = "whsec_";
const encoder = /* @__PURE__ */ new TextEncoder();

/** The bytes of a `whsec_` secret; undefined for what is none. */
function keyBytes(secret: string): Uint8Array<ArrayBuffer> | undefined {
  if (!secret.startsWith(PREFIX)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(secret.slice(PREFIX.length)), (char) => char.charCodeAt(0));
    // Standard Webhooks asks for 24 to 64.
    return bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

export const isWebhookSecret = (secret: string): boolean => keyBytes(secret) !== undefined;

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

/** A new secret, of 32 random bytes. */
export const newWebhookSecret = (): string =>
  `${PREFIX}${base64(crypto.getRandomValues(new Uint8Array(32)))}`;

/** What is signed of a message, and the key (Standard Webhooks, `v1`). */
async function signable(secret: string, usage: "sign" | "verify") {
  const bytes = keyBytes(secret);
  if (!bytes) throw new TypeError("The secret is none of a webhook: it must begin with whsec_.");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", bytes, algorithm, false, [usage]);
}

/** A message that is signed: `timestamp` in seconds since 1970. */
export interface SignedMessage {
  id: string;
  timestamp: string;
  body: string;
}

const textOf = ({ id, timestamp, body }: SignedMessage) =>
  encoder.encode(`${id}.${timestamp}.${body}`);

/** The signature of a message, as one of the words of `webhook-signature`. @throws TypeError for a secret that is none. */
export async function signWebhook(secret: string, message: SignedMessage): Promise<string> {
  const key = await signable(secret, "sign");
  return `v1,${base64(new Uint8Array(await crypto.subtle.sign("HMAC", key, textOf(message))))}`;
}

/** Whether one of the signatures is the message's. Compared in constant time. @throws TypeError for a secret that is none. */
export async function isSigned(
  secret: string,
  message: SignedMessage,
  signatures: string,
): Promise<boolean> {
  const key = await signable(secret, "verify");
  for (const word of signatures.split(" ")) {
    if (!word.startsWith("v1,")) continue;
    let given: Uint8Array<ArrayBuffer>;
    try {
      given = Uint8Array.from(atob(word.slice(3)), (char) => char.charCodeAt(0));
    } catch {
      continue;
    }
    if (await crypto.subtle.verify("HMAC", key, given, textOf(message))) return true;
  }
  return false;
}
