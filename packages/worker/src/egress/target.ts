import type { HostAndPort } from "@claude-edge/protocol";
import ipaddr from "ipaddr.js";

/** The host and port of a URL. The URL parser has made the host lower case, and decimal and octal addresses plain. */
export function targetOf({ protocol, hostname, port }: URL): HostAndPort {
  return {
    // `example.com.` is the same name as `example.com`.
    host: hostname.replace(/\.$/, ""),
    port: port === "" ? (protocol === "https:" || protocol === "wss:" ? 443 : 80) : Number(port),
  };
}

/** Names that lead into a machine or its network (RFC 6761, 6762, 8375, and what clouds call their metadata servers). */
const LOCAL_NAME = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home\.arpa)$/;

/** The pattern of `allowed_hosts` that allows a target and no other name. */
export const patternOf = ({ host, port }: HostAndPort): string =>
  port === 80 || port === 443 ? host : `${host}:${port}`;

/** Whether a host is an address. The URL parser has put an IPv6 address into brackets. */
export function isIpHost(host: string): boolean {
  return host.startsWith("[") || ipaddr.isValid(host);
}

/** Whether a host is a private, link-local, metadata or other special address, or a name of a local network. */
export function isLocal(host: string): boolean {
  if (isIpHost(host)) return isLocalAddress(host.replace(/^\[|\]$/g, ""));
  return !host.includes(".") || LOCAL_NAME.test(host);
}

/** Whether an address is anything but a public unicast one. An IPv4 address within an IPv6 one counts as itself. */
export function isLocalAddress(address: string): boolean {
  return !ipaddr.isValid(address) || ipaddr.process(address).range() !== "unicast";
}
