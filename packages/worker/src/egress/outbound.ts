import type { HostAndPort } from "@claude-edge/protocol";
import type { LogSubject } from "@claude-edge/protocol/internal";

import { logger } from "../logger.js";
import { denial, unreachable, type Refusal } from "./denial.js";
import type { Resolver } from "./dns.js";
import { maskAnswer } from "./mask-answer.js";
import { asks, deniedBy, type NetworkRules } from "./network-policy.js";
import { ORIGIN_MARK } from "./origin-mark.js";
import { misplacedIn, withSecrets } from "./replace-secrets.js";
import type { FoundSecrets } from "./secret-source.js";
import { isIpHost, isLocal, patternOf, targetOf } from "./target.js";
import { noteWithheld, type HostTraffic } from "./traffic.js";

/** Headers that end at a proxy (RFC 9110, 7.6.1), and those of our own. */
const STRIPPED =
  /^(connection|keep-alive|proxy-connection|proxy-authorization|te|trailer|transfer-encoding|cf-.*|x-claude-edge-.*)$/;

/** What the way out of a container depends on. */
export interface Exit {
  /** Whose request it is. */
  subject: LogSubject;
  /** `fresh`: not from memory. */
  rules(fresh: boolean): Promise<NetworkRules>;
  /** Has somebody asked about a host. Undefined once it is allowed, or the refusal: the given one if nobody can be asked. */
  ask(host: HostAndPort, request: Request, otherwise: Refusal): Promise<Refusal | undefined>;
  /** Origins of private hosts, by name. */
  privateHosts: ReadonlyMap<string, URL>;
  resolver: Resolver;
  /** What the deployment knows its containers' requests by. */
  mark: string;
  /** Reports what was counted of a host now. */
  tell(host: string): Promise<void>;
  /** Where a request to a host is counted. */
  traffic(host: string, method: string): HostTraffic;
  /** The secrets that a request may be sent with. `isPrivate`: nobody on the way can read it. */
  secrets(request: Request, isPrivate: boolean): Promise<FoundSecrets>;
}

/**
 * Sends a container's request to its host, if the policies allow that, with secrets in the place of their placeholders.
 * Bodies stream in both directions, redirects are the caller's to follow, and an upgrade to a WebSocket passes.
 */
export async function sendOut(request: Request, exit: Exit): Promise<Response> {
  const url = new URL(request.url);
  const target = targetOf(url);
  const { host } = target;
  const deny = async (refusal: Refusal) => {
    // With the port that it was denied at: that is what must be allowed.
    const name = patternOf(target);
    const traffic = exit.traffic(name, request.method);
    traffic.denied += 1;
    traffic.reason ??= refusal.reason;
    await exit.tell(name);
    await request.body?.cancel();
    return denial(name, refusal);
  };
  const origin = exit.privateHosts.get(host);
  if (!origin && isLocal(host)) return deny({ reason: "local" });
  // Before its name is looked up: a lookup tells the host's owner what the program chose to put into the name.
  const refusal = await refusalOf(target, request, exit);
  if (refusal) return deny(refusal);
  if (!origin && !isIpHost(host)) {
    const resolution = await exit.resolver.resolve(host);
    if (resolution === "local") return deny({ reason: "local" });
    if (resolution === "unknown") return unreachable(host, "its name does not resolve");
  }
  const isPrivate = origin !== undefined || url.protocol === "https:";
  const { open, misdirected } = await exit.secrets(request, isPrivate);
  const { request: filled, sent } = withSecrets(request, open);
  const withheld = [...misdirected, ...misplacedIn(filled, open)];
  const to = new URL(filled.url);
  const count = exit.traffic(host, request.method);
  count.requests += 1;
  count.sentBytes += lengthOf(request.headers);
  if (withheld.length > 0) {
    noteWithheld(count, withheld);
    await exit.tell(host);
  }
  try {
    const answer = await fetch(forwarded(filled, origin ? within(origin, to) : to, exit.mark));
    const received = counted(answer, (bytes) => {
      exit.traffic(host, request.method).receivedBytes += bytes;
    });
    return maskAnswer(received, sent);
  } catch (error) {
    logger.warn("host not reached for a container", { ...exit.subject, host, error });
    return unreachable(host, "the connection failed");
  }
}

/** Why the policies do not let a request out; undefined when they do, or when somebody who was asked does. */
async function refusalOf(
  target: HostAndPort,
  request: Request,
  exit: Exit,
): Promise<Refusal | undefined> {
  if (!deniedBy(await exit.rules(false), target)) return undefined;
  const rules = await exit.rules(true);
  const reason = deniedBy(rules, target);
  if (!reason) return undefined;
  return asks(rules, reason) ? exit.ask(target, request, { reason }) : { reason };
}

/** The same path and query at another origin. */
export function within(origin: URL, { pathname, search }: URL): URL {
  const url = new URL(origin);
  // Not resolved as a reference: `//host/path` would name another host.
  url.pathname = pathname;
  url.search = search;
  return url;
}

function forwarded(request: Request, url: URL, mark: string): Request {
  const headers = new Headers(request.headers);
  for (const name of request.headers.keys()) if (STRIPPED.test(name)) headers.delete(name);
  headers.set(ORIGIN_MARK, mark);
  // Credentials in the URL have become a header in the client, or are dropped.
  url.username = "";
  url.password = "";
  return new Request(new Request(url, request), { headers, redirect: "manual" });
}

const lengthOf = (headers: Headers): number => Number(headers.get("content-length") ?? 0) || 0;

/**
 * Counts the bytes of an answer: by its length if it says so. A compressed one of unknown length is not counted: reading it
 * here would mean to unpack it and to pack it again.
 */
function counted(answer: Response, add: (bytes: number) => void): Response {
  if (answer.headers.has("content-length")) add(lengthOf(answer.headers));
  const isCountable =
    answer.body && !answer.headers.has("content-length") && !answer.headers.has("content-encoding");
  if (!isCountable || !answer.body) return answer;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      add(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
  return new Response(answer.body.pipeThrough(counter), answer);
}
