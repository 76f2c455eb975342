import type { Collector } from "../otlp-settings.js";
import { isLate, postOnce } from "./post-once.js";

/** How long a collector may take to answer, milliseconds. */
const TIMEOUT_MS = 10_000;

/** What a collector may answer that it may be asked again after (OTLP over HTTP, "Failures"); 408 is of proxies. */
const PASSING = new Set([408, 429, 502, 503, 504]);

/** What became of a try. */
export type Sent =
  | { isSent: true }
  /** `retryAfterMs`: how long the collector asks to wait. */
  | { isSent: false; why: string; isPassing: boolean; retryAfterMs?: number };

/** Sends traces or metrics once, in OTLP's JSON encoding. */
export async function sendToCollector(
  { endpoint, headers }: Collector,
  signal: "traces" | "metrics",
  body: object | string,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Sent> {
  try {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await postOnce(`${endpoint}/v1/${signal}`, headers, text, timeoutMs);
    if (answer.ok) return { isSent: true };
    const seconds = Number(answer.headers.get("retry-after") ?? NaN);
    return {
      isSent: false,
      why: `it answered ${answer.status}`,
      isPassing: PASSING.has(answer.status),
      ...(seconds >= 0 ? { retryAfterMs: seconds * 1_000 } : {}),
    };
  } catch (error) {
    const why = isLate(error) ? `no answer within ${timeoutMs / 1_000} s` : "the connection failed";
    return { isSent: false, why, isPassing: true };
  }
}
