import { EdgeError } from "@claude-edge/protocol";

import { within } from "./outbound.js";
import type { Resolver } from "./dns.js";
import { isIpHost, isLocal, targetOf } from "./target.js";

/**
 * Where a webhook's URL leads: to itself, or for a private host to the origin that the operator has named.
 * @throws EdgeError `webhook_url_refused`.
 */
export function webhookUrl(given: string, privateHosts: ReadonlyMap<string, URL>): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== "https:") throw refused("is not an https:// URL");
  if (url.username !== "" || url.password !== "") throw refused("must hold no credentials");
  const { host } = targetOf(url);
  const origin = privateHosts.get(host);
  if (origin) return within(origin, url);
  if (isLocal(host)) throw refused(`leads to a private host, ${host}`);
  url.hash = "";
  return url;
}

/** Looks the host's name up before each try: it may lead elsewhere by now. @throws EdgeError `webhook_url_refused`. */
export async function resolvedWebhookUrl(
  given: string,
  privateHosts: ReadonlyMap<string, URL>,
  resolver: Resolver,
): Promise<URL> {
  const url = webhookUrl(given, privateHosts);
  const { host } = targetOf(new URL(given));
  if (privateHosts.has(host) || isIpHost(host)) return url;
  const resolution = await resolver.resolve(host);
  if (resolution === "local") throw refused(`leads to a private address, by the name ${host}`);
  if (resolution === "unknown") throw refused(`has a name that does not resolve, ${host}`);
  return url;
}

const refused = (why: string) => new EdgeError("webhook_url_refused", `url: ${why}.`);
