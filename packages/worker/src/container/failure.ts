import { EdgeError, type UnavailableReason } from "@claude-edge/protocol";

/** The platform's messages for why there is no container. It has no error codes. */
const PLATFORM_MESSAGES: [RegExp, UnavailableReason][] = [
  [/no container instance that can be provided to this durable object/i, "provisioning"],
  [/no container instance available at this time/i, "no_instance"],
  [/maximum number of running container instances exceeded/i, "no_instance"],
  [/requesting too many containers per second/i, "rate_limited"],
  [/container is not listening/i, "not_listening"],
];

/** Maps the platform's message to a reason; undefined for an unknown message. */
export function unavailableReason(message: string): UnavailableReason | undefined {
  return PLATFORM_MESSAGES.find(([pattern]) => pattern.test(message))?.[1];
}

/** Whether a reason is lack of capacity, which passes. */
export const isCapacity = (reason: UnavailableReason | undefined): boolean =>
  reason === "no_instance" || reason === "provisioning" || reason === "rate_limited";

export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** The error for an unavailable container. `cause`: the platform's message. `fallback`: the reason if the message is unknown. */
export function unavailable(
  message: string,
  cause: string | undefined,
  fallback?: UnavailableReason,
): EdgeError {
  const reason = unavailableReason(cause ?? "") ?? fallback;
  return new EdgeError(
    "container_unavailable",
    cause ? `${message}: ${cause}` : `${message}.`,
    reason && { reason },
  );
}
