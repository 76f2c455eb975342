import { RUNNER_PORT, type RunnerHealth, type RunnerSessions } from "@claude-edge/protocol/runner";

import { messageOf } from "./failure.js";

/** Timeout of a probe, milliseconds: one that is sent before the runner listens can hang. */
export const PROBE_TIMEOUT_MS = 1_000;
export const PROBE_INTERVAL_MS = 50;

/** A runner's health, or why there was no answer. */
export interface Probe {
  health?: RunnerHealth;
  failure?: string;
}

export async function probe(container: Container): Promise<Probe> {
  try {
    const response = await container
      .getTcpPort(RUNNER_PORT)
      .fetch("http://runner/health", { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    // Always read to its end: see runner-client.ts.
    const text = await response.text();
    return response.ok
      ? { health: JSON.parse(text) as RunnerHealth }
      : { failure: `GET /health answered ${response.status}` };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** What runs in a container. */
export interface Work {
  idleMs: number;
  /** The sessions with a turn that runs or ends. */
  busy: string[];
  /** The other sessions whose files it holds. */
  withFiles: string[];
  /** How many tasks run in the background. */
  tasks: number;
}

/** What runs in a container; undefined without an answer. */
export async function probeWork(container: Container): Promise<Work | undefined> {
  try {
    const response = await container
      .getTcpPort(RUNNER_PORT)
      .fetch("http://runner/sessions", { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    const { sessions, idle_ms } = await response.json<RunnerSessions>();
    const idsOf = (which: RunnerSessions["sessions"]) => which.map(({ id }) => id);
    return {
      idleMs: idle_ms,
      tasks: sessions.reduce((sum, { tasks = 0 }) => sum + tasks, 0),
      busy: idsOf(sessions.filter(({ busy }) => busy)),
      withFiles: idsOf(sessions.filter(({ busy, has_files }) => has_files && !busy)),
    };
  } catch {
    return undefined;
  }
}
