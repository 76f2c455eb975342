import type { ContainerStatus } from "@claude-edge/protocol";
import type { RunnerHealth } from "@claude-edge/protocol/runner";

/** The state of a container at a moment. */
export interface ContainerState {
  running: boolean;
  /** A start is in progress. */
  starting: boolean;
  /** The runner's health, if it answered. */
  health?: RunnerHealth;
  /** How many tasks run in the background. */
  tasks?: number;
}

/** The status that callers may see. */
export function describeContainer({
  running,
  starting,
  health,
  tasks = 0,
}: ContainerState): ContainerStatus {
  if (!health) return { state: starting ? "starting" : running ? "silent" : "asleep" };
  const { version, protocol, sdk_version, error } = health;
  return {
    state: "running",
    runner_version: version,
    protocol,
    ...(sdk_version === undefined ? {} : { sdk_version }),
    ...(error === undefined ? {} : { error }),
    ...(tasks === 0 ? {} : { background_tasks: tasks }),
  };
}
