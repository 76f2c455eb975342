import { grantName } from "../egress/network-policy.js";
import type { NetworkQuestion, NetworkReply } from "../egress/question.js";
import type { SessionParts } from "./parts.js";

/** Hosts that a turn asks about. A program could try any number of them, and a person reads each. */
const MAX_HOSTS = 20;

/** Asks about a host, once for each host and turn, or says what has become of the question. */
export function askNetwork(
  { store, log, requests }: SessionParts,
  turn: string,
  { host, port, method }: NetworkQuestion,
): NetworkReply {
  const name = grantName({ host, port });
  if (name === undefined) return { status: "unasked" };
  const asked = store.requests.ofHost(turn, name);
  if (asked?.status === "pending") return { status: "pending", requests: [asked.id] };
  if (asked) {
    const { answer, error } = requests.get(asked.id);
    const { behavior, message } = (answer ?? {}) as { behavior?: string; message?: string };
    if (behavior !== "allow") return { status: "denied", message: message ?? error?.message };
    // The account says what is granted: it may not have heard of it yet, or it was withdrawn there.
    if (!store.outbox.isEmpty) return { status: "pending", requests: [] };
    return { status: "denied", message: "It was allowed, and that was withdrawn." };
  }
  // Nobody sees the requests of an ephemeral session.
  if (store.turn(turn)?.status !== "running" || store.isEphemeral) return { status: "unasked" };
  // A log that is being replayed takes no events.
  if (log.isHeld) return { status: "pending", requests: [] };
  if (store.requests.hostsOf(turn) >= MAX_HOSTS) return { status: "unasked" };
  return { status: "pending", requests: [requests.addOwn(turn, name, { host, port, method })] };
}
