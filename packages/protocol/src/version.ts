/**
 * The version of the wire between clients and deployments. Each sends its own in {@link PROTOCOL_HEADER}, and refuses
 * with `protocol_mismatch` as {@link protocolProblem} says. It rises only when an older reader would misunderstand,
 * never for an added field or event kind. The one of runners is `RUNNER_PROTOCOL`.
 */
export const PROTOCOL_VERSION = 1;

/** One end of a connection: a client, a deployment, a runner. */
export interface Speaker {
  name: string;
  /** The version that it speaks; of the other end as it came. */
  protocol: unknown;
}

/** Two ends that cannot work together. */
export interface ProtocolProblem {
  message: string;
  /** The name of the end that has to be raised. */
  raise: string;
}

/**
 * Why two ends cannot work together; undefined when they can: their versions are the same or neighbours, and the newer
 * end knows how to speak with the older. What says no version is the older one.
 */
export function protocolProblem(us: Speaker, them: Speaker): ProtocolProblem | undefined {
  const ours = versionOf(us.protocol);
  const theirs = versionOf(them.protocol);
  if (Math.abs(ours - theirs) <= 1) return undefined;
  const raise = theirs > ours ? us.name : them.name;
  const spoken = `The ${them.name} speaks protocol ${String(them.protocol)}, the ${us.name} ${ours}`;
  return { message: `${spoken}: raise the ${raise}.`, raise };
}

const versionOf = (protocol: unknown): number =>
  /^\d+$/.test(String(protocol)) ? Number(protocol) : NaN;

/** Carries {@link PROTOCOL_VERSION} on requests and answers. */
export const PROTOCOL_HEADER = "x-claude-edge-protocol";

/** Carries the id of a request, on every answer and in every error. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Names the account a request is for. Only the root key may send it. */
export const ACCOUNT_HEADER = "x-account-id";

/** W3C trace context: the span that a turn belongs to. @see https://www.w3.org/TR/trace-context/ */
export const TRACE_HEADER = "traceparent";

/** Makes a POST safe to repeat: the same key gives the same turn or session. */
export const IDEMPOTENCY_HEADER = "idempotency-key";
