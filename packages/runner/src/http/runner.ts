import type { ReserveSpare, RunnerSessions, SpareReserved } from "@claude-edge/protocol/runner";

import type { Sessions } from "../sessions/registry.js";
import { readJson } from "./respond.js";
import type { Call } from "./router.js";

/** The handlers of the routes about the runner as a whole. */

export function listSessions(sessions: Sessions): RunnerSessions {
  return { sessions: sessions.list(), idle_ms: sessions.idleMs };
}

export async function reserveSpare(
  sessions: Sessions,
  { request }: Call<never>,
): Promise<SpareReserved> {
  const { asks } = await readJson<ReserveSpare>(request);
  const session = sessions.reserveSpare(asks);
  return session === undefined ? {} : { session };
}

export function releaseSpare(sessions: Sessions, { params }: Call<"session">): object {
  sessions.releaseSpare(params.session);
  return {};
}
