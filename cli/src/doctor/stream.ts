import type { Tick } from "@claude-edge/protocol";
import { TICKS } from "@claude-edge/protocol/internal";

import { fail, ok, type Finding } from "./finding.js";

/** Events that come within less than this part of the time in which they were sent were held back. */
const BUFFERED = 0.5;

/** A busy machine may look the same once; a buffer does each time. */
const ATTEMPTS = 3;

const FIX =
  "something on the way collects what it should pass on (a proxy, a VPN, an antivirus, compression): have it pass text/event-stream unbuffered, or go round it; answers stay right, but come late, and approvals cannot be asked for";

interface Spread {
  /** Events that came. */
  count: number;
  /** From the first to the last, milliseconds: by the deployment's clock, and as they came here. */
  sentMs: number;
  cameMs: number;
}

/** Whether a stream's events come when they are sent. `open` asks for the stream of ticks. */
export async function checkStream(open: () => Promise<Response>): Promise<Finding> {
  let best: Spread | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const response = await open();
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || !type.includes("text/event-stream")) {
      void response.body?.cancel();
      const fix = "see what stands before the deployment, and that it passes /v1/status/stream on";
      return fail(`the stream was answered with ${response.status} ${type}`, fix);
    }
    const spread = await measure(response);
    if (spread.count < TICKS) {
      const message = `the stream ended after ${spread.count} of ${TICKS} events`;
      return fail(message, "something on the way cuts streams: a proxy or its time limit");
    }
    if (!best || spread.cameMs > best.cameMs) best = spread;
    if (best.cameMs >= best.sentMs * BUFFERED) break;
  }
  const { sentMs, cameMs } = best!;
  const figures = `${TICKS} events that were sent over ${sentMs} ms came within ${Math.round(cameMs)} ms`;
  return cameMs < sentMs * BUFFERED ? fail(`streams are held back: ${figures}`, FIX) : ok(figures);
}

async function measure(response: Response): Promise<Spread> {
  const ticks: { at: number; cameAt: number }[] = [];
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split("\n\n");
    text = events.pop()!;
    const cameAt = performance.now();
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) ticks.push({ at: (JSON.parse(data) as Tick).at, cameAt });
    }
  }
  const [first, last] = [ticks[0], ticks.at(-1)];
  return {
    count: ticks.length,
    sentMs: first && last ? last.at - first.at : 0,
    cameMs: first && last ? last.cameAt - first.cameAt : 0,
  };
}
