import type { FilesStatus, ModelStatus, Tick } from "@claude-edge/protocol";
import { credentialKind, TICK_MS, TICKS } from "@claude-edge/protocol/internal";

import { credentialOf } from "../egress/credential.js";
import type { Env } from "../env.js";
import { sqliteFilesBytes } from "../settings.js";

/** Public facts about the model credential: its variable and kind. */
export function modelStatus(env: Env): ModelStatus | null {
  const credential = credentialOf(env);
  if (!credential) return null;
  const { variable } = credential;
  const kind = credentialKind(env[variable] ?? "", [env.CLAUDE_EDGE_ROOT_KEY]);
  return { variable, kind, has_base_url: Boolean(env.ANTHROPIC_BASE_URL) };
}

export const filesStatus = (env: Env): FilesStatus =>
  env.FILES ? { storage: "r2" } : { storage: "sqlite", max_bytes: sqliteFilesBytes(env) };

/** A few events with pauses in between, to detect proxies that buffer streams. */
export function tickStream(): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let n = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (n > 0) await scheduler.wait(TICK_MS);
      n += 1;
      const tick: Tick = { n, at: Date.now() };
      controller.enqueue(encoder.encode(`event: tick\ndata: ${JSON.stringify(tick)}\n\n`));
      if (n === TICKS) controller.close();
    },
  });
}
