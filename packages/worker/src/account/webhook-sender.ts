import { signWebhook, toWireError } from "@claude-edge/protocol";

import { Resolver } from "../egress/dns.js";
import { resolvedWebhookUrl } from "../egress/webhook-url.js";
import type { Env } from "../env.js";
import { privateHosts } from "../settings.js";
import { VERSION } from "../version.js";
import type { Attempt, Delivery } from "./delivery-table.js";

/** How long an address may take to answer, milliseconds. */
const TIMEOUT_MS = 10_000;

const resolver = new Resolver();

/**
 * Sends a message once, signed with each secret. The answer's status says what became of it: its body is not read, since
 * what a private host would say must be shown to nobody, and a redirect is not followed.
 */
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
    const answer = await fetch(to, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": `claude-edge/${VERSION}`,
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": signatures.join(" "),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { status } = answer;
    await answer.body?.cancel().catch(() => {});
    return answer.ok ? { status } : { status, error: `It answered ${status}.` };
  } catch (error) {
    return { error: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && /Timeout|Abort/.test(error.name)) {
    return `No answer within ${TIMEOUT_MS / 1_000} s.`;
  }
  const { code, message } = toWireError(error);
  return code === "internal" ? "The connection failed." : message;
}
