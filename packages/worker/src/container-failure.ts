import { EdgeError, type UnavailableReason } from "@claude-edge/protocol";

/** How the platform says why there is no container. It has no codes for it. */
const SAID: [RegExp, UnavailableReason][] = [
  [/no container instance that can be provided to this durable object/i, "provisioning"],
  [/no container instance available at this time/i, "no_instance"],
  [/maximum number of running container instances exceeded/i, "no_instance"],
  [/requesting too many containers per second/i, "rate_limited"],
  [/container is not listening/i, "not_listening"],
];

/** Why there is no container, by the platform's words; undefined for others. */
export function unavailableReason(message: string): UnavailableReason | undefined {
  return SAID.find(([pattern]) => pattern.test(message))?.[1];
}

/** The error for a container that cannot be had; `cause`: what the platform said, `otherwise`: the reason if that tells none. */
export function unavailable(
  message: string,
  cause: string | undefined,
  otherwise?: UnavailableReason,
): EdgeError {
  const reason = unavailableReason(cause ?? "") ?? otherwise;
  return new EdgeError(
    "container_unavailable",
    cause ? `${message}: ${cause}` : `${message}.`,
    reason && { reason },
  );
}
