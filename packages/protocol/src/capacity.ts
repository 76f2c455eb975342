/** Why a turn has no container yet, and waits for one. */
const CAUSES = {
  no_instance: "no instance is free",
  provisioning: "the deployment's first containers are being set up",
  rate_limited: "containers are being started too fast",
  draining: "it is being replaced",
  container_full: "it has no memory for another session now",
  overloaded: "its object has too much to do",
  unreachable: "its object cannot be reached",
} as const;

/** A reason of `container_unavailable` that passes, or why the container could not be asked. */
export type CapacityCause = keyof typeof CAUSES;

/** Whether a reason for the lack of a container passes, so that turns wait for one. A newer deployment may have others. */
export const isCapacityCause = (cause: unknown): cause is CapacityCause =>
  typeof cause === "string" && Object.hasOwn(CAUSES, cause);

/** What is said of a turn that waits for a container, in one line; undefined for an event that tells no such wait. */
export function capacityNote(
  { reason, since, cause }: { reason?: string; since?: string; cause?: string },
  now: number = Date.now(),
): string | undefined {
  if (reason !== "waiting_for_capacity") return undefined;
  const why = isCapacityCause(cause) ? `: ${CAUSES[cause]}` : "";
  const seconds = Math.round((now - Date.parse(since ?? "")) / 1_000);
  return `waiting for a container${why}${seconds > 0 ? ` (${seconds} s so far)` : ""}`;
}
