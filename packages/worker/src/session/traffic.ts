import type { HostTraffic } from "../egress/traffic.js";
import type { SessionParts } from "./parts.js";

/**
 * Counts what the session's container asked of hosts. Readers of a running turn are told of denied hosts and of
 * secrets that were withheld from others, each once.
 */
export function addTraffic(
  { store, log }: SessionParts,
  turn: string,
  traffic: HostTraffic[],
): void {
  // Of a turn that has ended nothing more may be told, and while its log is replayed nothing can be.
  const isTold = store.turn(turn)?.status === "running" && !log.isHeld;
  const withheld = isTold ? store.traffic.takeWithheld(turn, traffic) : [];
  store.transaction(() => {
    for (const secret of withheld) log.emitOwn(turn, "secret", { ...secret, decision: "withheld" });
    for (const { host, method, reason } of store.traffic.add(turn, traffic)) {
      store.outbox.add({ kind: "denied", turn });
      if (isTold) log.emitOwn(turn, "network", { host, method, decision: "denied", reason });
    }
  });
}
