import { BoundedMap } from "../bounded-map.js";
import { logger } from "../logger.js";
import { isLocalAddress } from "./target.js";

/** DNS over HTTPS, which a Worker can ask; its answers are JSON. */
const RESOLVER = "https://cloudflare-dns.com/dns-query";

/** How long an answer is used, milliseconds, and of how many names. */
const KEPT_MS = 60_000;
const MAX_KEPT = 1_000;

const TIMEOUT_MS = 5_000;

/** Where a name leads: to public addresses alone, to others too, or nowhere. */
export type Resolution = "public" | "local" | "unknown";

interface DnsAnswer {
  Answer?: { type: number; data: string }[];
}

/** Asks for the records of a type. */
export type DnsLookup = (name: string, type: number) => Promise<DnsAnswer>;

/** Address records: A and AAAA. */
const TYPES = [1, 28];

/**
 * Looks names up before the Worker fetches them. On the platform a Worker's requests reach no private network, and this is
 * a second lock; in `serve` and `dev` it is the only one, and a name that changes between this answer and the request gets
 * past it.
 */
export class Resolver {
  /** Answers, not promises: a promise of a request that is cancelled never settles for another one. */
  readonly #kept = new BoundedMap<string, { resolution: Resolution; until: number }>(MAX_KEPT);
  readonly #lookup: DnsLookup;

  constructor(lookup: DnsLookup = lookupOverHttps) {
    this.#lookup = lookup;
  }

  async resolve(name: string, now = Date.now()): Promise<Resolution> {
    const kept = this.#kept.get(name);
    if (kept && kept.until > now) return kept.resolution;
    const resolution = await this.#resolve(name);
    if (resolution !== "unknown") this.#kept.set(name, { resolution, until: now + KEPT_MS });
    return resolution;
  }

  async #resolve(name: string): Promise<Resolution> {
    try {
      const answers = await Promise.all(TYPES.map((type) => this.#lookup(name, type)));
      const addresses = answers
        .flatMap(({ Answer = [] }) => Answer)
        .filter(({ type }) => TYPES.includes(type))
        .map(({ data }) => data);
      if (addresses.length === 0) return "unknown";
      return addresses.some(isLocalAddress) ? "local" : "public";
    } catch (error) {
      logger.warn("host not resolved", { host: name, error });
      return "unknown";
    }
  }
}

async function lookupOverHttps(name: string, type: number): Promise<DnsAnswer> {
  const answer = await fetch(`${RESOLVER}?name=${encodeURIComponent(name)}&type=${type}`, {
    headers: { accept: "application/dns-json" },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`${RESOLVER} answered ${answer.status}`);
  return await answer.json<DnsAnswer>();
}
