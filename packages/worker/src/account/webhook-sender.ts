import { signWebhook, toWireError } from "@claude-edge/protocol";

import { Resolver } from "../egress/dns.js";
import { isLate, postOnce } from "../egress/post-once.js";
import { resolvedWebhookUrl } from "../egress/webhook-url.js";
import type { Env } from "../env.js";
import { privateHosts } from "../settings.js";
import type { Attempt, Delivery } from "./delivery-table.js";

/** How long an address may take to answer, milliseconds. */
const TIMEOUT_MS = 10_000;

const resolver = new Resolver();

/** Sends a message once, signed with each secret. */
export async function sendWebhook(
  env: Env,
  url: string,
  secrets: string[],
  { message, body }: Pick<Delivery, "message" | "body">,
): Promise<Attempt> {
  try {
    const to = await resolvedWebhookUrl(url, privateHosts(env), resolver);
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signed = { id: message, timestamp, body };
    const signatures = await Promise.all(secrets.map((secret) => signWebhook(secret, signed)));
    const headers: [string, string][] = [
      ["webhook-id", message],
      ["webhook-timestamp", timestamp],
      ["webhook-signature", signatures.join(" ")],
    ];
    const { status, ok } = await postOnce(to, headers, body, TIMEOUT_MS);
    return ok ? { status } : { status, error: `It answered ${status}.` };
  } catch (error) {
    return { error: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (isLate(error)) return `No answer within ${TIMEOUT_MS / 1_000} s.`;
  const { code, message } = toWireError(error);
  return code === "internal" ? "The connection failed." : message;
}
