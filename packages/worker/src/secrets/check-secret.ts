import {
  EdgeError,
  MAX_SECRET_BYTES,
  MAX_SECRET_HOSTS,
  parseHostPattern,
  type SecretInput,
  type SecretPlaces,
} from "@claude-edge/protocol";

import { assertSecretName } from "./names.js";

/** A secret that was checked: its hosts in one spelling, and where it may go. */
export interface CheckedSecret {
  name: string;
  value: string;
  hosts: string[];
  places: SecretPlaces;
}

/** One line of visible ASCII; blanks only within, where no header takes them away. */
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export const isHeaderValue = (value: string): boolean =>
  value.length <= MAX_SECRET_BYTES && HEADER_VALUE.test(value);

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/**
 * Headers that say where a request goes or how it is framed, or that the gateway itself writes: a value in them would be
 * lost, or would change what is sent.
 */
const REFUSED_HEADERS = /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer)$/i;

/**
 * Checks a secret. Says nothing of its value.
 * @throws EdgeError `secret_name_refused`, `secret_hosts_invalid`, `secret_value_invalid`, `secret_too_large`,
 * `invalid_request` for where it is to go.
 */
export function checkSecret(
  name: string,
  { value, hosts, in: places = { header: true } }: SecretInput,
  where = "",
): CheckedSecret {
  assertSecretName(name);
  const checkedHosts = checkHosts(hosts, where);
  assertPlaces(places, where);
  assertValue(value, places, where);
  return { name, value, hosts: checkedHosts, places };
}

function checkHosts(hosts: string[], where: string): string[] {
  const refuse = (reason: string) =>
    new EdgeError("secret_hosts_invalid", `${where}hosts: ${reason}.`);
  if (hosts.length === 0) throw refuse("there are none, so it could go nowhere");
  if (hosts.length > MAX_SECRET_HOSTS) throw refuse(`${MAX_SECRET_HOSTS} are the most`);
  return [...new Set(hosts.map((host) => normalHost(host, refuse)))];
}

function normalHost(host: string, refuse: (reason: string) => EdgeError): string {
  const shown = JSON.stringify(host.length > 100 ? `${host.slice(0, 100)}…` : host);
  if (/^[*.]+(:\d+)?$/.test(host)) throw refuse(`${shown} would give it to every host there is`);
  const pattern = parseHostPattern(host);
  if (!pattern) throw refuse(`${shown} is no host`);
  // `*.com` would be nearly every host.
  if (pattern.isWildcard && !pattern.name.includes(".")) throw refuse(`${shown} names no domain`);
  return host.toLowerCase();
}

function assertPlaces({ header, query, body }: SecretPlaces, where: string): void {
  if (!header && !query && !body) {
    const message = `${where}in: names no place for it: header, query or body.`;
    throw new EdgeError("invalid_request", message);
  }
  if (typeof header !== "string") return;
  if (!HEADER_NAME.test(header) || REFUSED_HEADERS.test(header)) {
    throw new EdgeError("invalid_request", `${where}in.header: is no header that can hold it.`);
  }
}

function assertValue(value: string, { header }: SecretPlaces, where: string): void {
  const refuse = (reason: string) =>
    new EdgeError("secret_value_invalid", `${where}value: ${reason}.`);
  if (value.trim() === "") throw refuse("is empty");
  const bytes = new TextEncoder().encode(value).length;
  if (bytes > MAX_SECRET_BYTES) {
    const message = `${where}value: is ${bytes} bytes long; ${MAX_SECRET_BYTES} are the most.`;
    throw new EdgeError("secret_too_large", message);
  }
  if (!value.isWellFormed() || value.includes("\0")) throw refuse("is no text");
  if (header && !HEADER_VALUE.test(value)) {
    throw refuse("has line breaks, blanks at an end or other characters that no header holds");
  }
}
