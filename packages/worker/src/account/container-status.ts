import type { ContainerStatus } from "@claude-edge/protocol";

import type { ContainerState } from "../container-do.js";
import type { Env } from "../env.js";
import { containerName, isShared } from "../settings.js";
import type { ContainerRow } from "./container-table.js";

/** The container that an account's status is about: its own, or of one each for its sessions the one used last. */
export function statusContainer(env: Env, account: string, known: ContainerRow[]): string {
  if (isShared(env)) return containerName(env, account, "");
  const newest = known.toSorted((left, right) => right.used_at - left.used_at)[0];
  // No session has such an id.
  return newest?.name ?? containerName(env, account, "status");
}

/** What may be told of a container. */
export function describeContainer({ running, starting, health }: ContainerState): ContainerStatus {
  if (!health) return { state: starting ? "starting" : running ? "silent" : "asleep" };
  const { version, protocol, sdk_version, error } = health;
  return {
    state: "running",
    runner_version: version,
    protocol,
    ...(sdk_version === undefined ? {} : { sdk_version }),
    ...(error === undefined ? {} : { error }),
  };
}
