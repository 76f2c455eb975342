import type { NetworkDenial } from "@claude-edge/protocol";

import { BoundedMap } from "../bounded-map.js";
import { accountOf, ownerOf } from "../settings.js";
import { logger } from "../logger.js";
import type { MisdirectedSecret } from "./secret-source.js";

/** What a container asked of a host since the last report. */
export interface HostTraffic {
  host: string;
  /** Of the first request. */
  method: string;
  requests: number;
  /** Why requests were denied, and how many. */
  denied: number;
  reason?: NetworkDenial;
  /** Secrets that were not put in: the host or the place is none of theirs. */
  withheld?: MisdirectedSecret[];
  sentBytes: number;
  receivedBytes: number;
}

/** The part of an account's object that is told of traffic. `session`: the one that the container belongs to alone. */
export interface TrafficPort {
  addTraffic(session: string | undefined, traffic: HostTraffic[]): Promise<void>;
}

/** Notes secrets that were withheld from a host, each once. There are a few hundred at the most. */
export function noteWithheld(traffic: HostTraffic, secrets: readonly MisdirectedSecret[]): void {
  const noted = (traffic.withheld ??= []);
  for (const secret of secrets) {
    const isNoted = noted.some(({ name, scope }) => name === secret.name && scope === secret.scope);
    if (!isNoted) noted.push({ name: secret.name, scope: secret.scope });
  }
}

/** How long traffic is collected before it is reported, milliseconds: a report costs two calls. */
const COLLECT_MS = 500;

/** A host that is denied is reported at once, but not more often than this, milliseconds, and of so many hosts. */
const TELL_MS = 1_000;
const MAX_TOLD = 1_000;

/** Hosts of a report; more are summed up as `*`. */
const MAX_HOSTS = 200;

/** Of an account and session: collects what their containers ask, and reports it after a moment. */
export class TrafficLog {
  readonly #open = new Map<string, Map<string, HostTraffic>>();
  /** When hosts were reported at once, by container and host. */
  readonly #told = new BoundedMap<string, number>(MAX_TOLD);

  /**
   * The entry of a host to add to. `report`: called once for all that is collected until then; `keep`: keeps the isolate
   * at work until it is done.
   */
  entry(
    container: string,
    host: string,
    method: string,
    report: (traffic: HostTraffic[]) => Promise<void>,
    keep: (work: Promise<unknown>) => void,
  ): HostTraffic {
    let hosts = this.#open.get(container);
    if (!hosts) {
      hosts = new Map();
      this.#open.set(container, hosts);
      keep(this.#report(container, report));
    }
    const name = hosts.has(host) || hosts.size < MAX_HOSTS ? host : "*";
    let entry = hosts.get(name);
    if (!entry) {
      entry = { host: name, method, requests: 0, denied: 0, sentBytes: 0, receivedBytes: 0 };
      hosts.set(name, entry);
    }
    return entry;
  }

  /** Reports at once what is collected, so that the turn hears of a denied host before its program does. */
  async tell(
    container: string,
    host: string,
    report: (traffic: HostTraffic[]) => Promise<void>,
  ): Promise<void> {
    const key = `${container} ${host}`;
    const now = Date.now();
    if (now - (this.#told.get(key) ?? 0) < TELL_MS) return;
    this.#told.set(key, now);
    await this.#flush(container, report);
  }

  async #report(
    container: string,
    report: (traffic: HostTraffic[]) => Promise<void>,
  ): Promise<void> {
    await scheduler.wait(COLLECT_MS);
    await this.#flush(container, report);
  }

  async #flush(
    container: string,
    report: (traffic: HostTraffic[]) => Promise<void>,
  ): Promise<void> {
    const hosts = this.#open.get(container);
    this.#open.delete(container);
    if (!hosts) return;
    // Counts are of use to people, and not worth more than one attempt.
    await report([...hosts.values()]).catch((error: unknown) => {
      logger.warn("traffic of a container not reported", {
        account: accountOf(container),
        session: ownerOf(container) || undefined,
        error,
      });
    });
  }
}
