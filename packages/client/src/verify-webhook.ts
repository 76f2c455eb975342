/**
 * Checking what a webhook was sent. Kept apart from the rest: a program that takes webhooks need not be a client. WebCrypto
 * and nothing else, so it runs wherever there is `Request`.
 */
import {
  clientError,
  isSigned,
  type WebhookEvent,
  type WebhookType,
} from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "./errors.js";

export type { WebhookEvent, WebhookType };

/** How far the times of sender and receiver may be apart, seconds, as Standard Webhooks has it. */
const TOLERANCE_S = 300;

/** A body that is longer is none of ours, characters. */
const MAX_BODY = 65_536;

/** A request that is not what a webhook sends; `reason` says why. Answer it with 400, and believe nothing of it. */
export class WebhookError extends ClaudeEdgeError {
  override readonly name = "WebhookError";
  /**
   * `headers`: one is missing; `timestamp`: it was signed too long ago, or its clock is ahead; `signature`: it is of another
   * secret, or what came was changed; `body`: it is no event.
   */
  readonly reason: "headers" | "timestamp" | "signature" | "body";

  constructor(reason: WebhookError["reason"], message: string) {
    super(clientError("webhook_invalid", message));
    this.reason = reason;
  }
}

/** What {@link verifyWebhook} may be told. */
export interface VerifyWebhookOptions {
  /** How old a message may be, seconds; 300 without it. */
  tolerance?: number | undefined;
}

/**
 * Checks that a request is a webhook of the deployment, and gives its event, told apart by `type`. `secret`: the `whsec_…`
 * that the webhook was created with; of several one must fit. The same message may come more than once: its header
 * `webhook-id` is then the same.
 * @throws WebhookError
 *
 * @example
 * const event = await verifyWebhook(request, secret);
 * if (event.type === "request.created") await notify(event.data.request_id);
 */
export async function verifyWebhook(
  request: Request,
  secret: string | readonly string[],
  { tolerance = TOLERANCE_S }: VerifyWebhookOptions = {},
): Promise<WebhookEvent> {
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) =>
    request.headers.get(`webhook-${name}`),
  );
  if (!id || !timestamp || !signatures) {
    throw new WebhookError("headers", "A header of webhooks is missing.");
  }
  const age = Date.now() / 1_000 - Number(timestamp);
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(age) > tolerance) {
    throw new WebhookError("timestamp", `The message is not of the last ${tolerance} s.`);
  }
  const body = await request.text();
  if (body.length > MAX_BODY) throw new WebhookError("body", "The body is too long for an event.");
  const message = { id, timestamp, body };
  const secrets = typeof secret === "string" ? [secret] : secret;
  const fits = await Promise.all(secrets.map((one) => isSigned(one, message, signatures)));
  if (!fits.includes(true)) {
    throw new WebhookError("signature", "The signature is not of this secret and this message.");
  }
  return eventOf(body);
}

function eventOf(body: string): WebhookEvent {
  try {
    const event = JSON.parse(body) as Partial<WebhookEvent> | null;
    if (typeof event?.type === "string" && typeof event.data === "object") {
      return event as WebhookEvent;
    }
  } catch {
    // Signed and no JSON: of another sender with the same secret.
  }
  throw new WebhookError("body", "The body is no event of claude-edge.");
}
