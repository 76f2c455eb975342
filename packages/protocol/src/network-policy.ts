import * as z from "zod/mini";

/** A host that a policy allows: a name, `*.` before one for all names below it, an address; each with a port if wanted. */
const HOST_PATTERN =
  /^(?<name>(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(:(?<port>[1-9]\d{0,4}))?$/;

const MAX_HOSTS = 500;
const MAX_HOST_CHARS = 260;

/** A parsed {@link HOST_PATTERN}. */
interface HostPattern {
  /** The name, or what must follow a label if `isWildcard`. */
  name: string;
  isWildcard: boolean;
  /** Undefined: 80 and 443. */
  port: number | undefined;
}

/** Parses a pattern of `allowed_hosts`; undefined when it is none. */
export function parseHostPattern(pattern: string): HostPattern | undefined {
  // The expression has no room on the stack for millions of labels.
  if (pattern.length > MAX_HOST_CHARS) return undefined;
  const { name, port } = HOST_PATTERN.exec(pattern.toLowerCase())?.groups ?? {};
  if (name === undefined || Number(port ?? 1) > 65_535) return undefined;
  const isWildcard = name.startsWith("*.");
  return {
    name: isWildcard ? name.slice(2) : name,
    isWildcard,
    port: port === undefined ? undefined : Number(port),
  };
}

/** Where a request goes. `host`: lower case, without a trailing dot, an IPv6 address in brackets. */
export interface HostAndPort {
  host: string;
  port: number;
}

/** Whether a pattern of `allowed_hosts` matches. `*.a.com` matches names below `a.com` at any depth, not `a.com` itself. */
export function matchesHost(pattern: string, { host, port }: HostAndPort): boolean {
  const parsed = parseHostPattern(pattern);
  if (!parsed) return false;
  const isPort = parsed.port === undefined ? port === 80 || port === 443 : port === parsed.port;
  return isPort && (parsed.isWildcard ? host.endsWith(`.${parsed.name}`) : host === parsed.name);
}

/** Whether every host that `inner` matches is matched by `outer` too. */
export function coversPattern(outer: string, inner: string): boolean {
  const [wide, narrow] = [parseHostPattern(outer), parseHostPattern(inner)];
  if (!wide || !narrow) return false;
  const isPort =
    wide.port === narrow.port ||
    (wide.port === undefined && (narrow.port === 80 || narrow.port === 443));
  if (!isPort) return false;
  if (!wide.isWildcard) return !narrow.isWildcard && wide.name === narrow.name;
  return narrow.name.endsWith(`.${wide.name}`) || (narrow.isWildcard && narrow.name === wide.name);
}

const hostPattern = z.string().check(
  z.maxLength(MAX_HOST_CHARS),
  z.refine((pattern) => parseHostPattern(pattern) !== undefined, {
    error: "must be a host like example.com, *.example.com or example.com:8443",
  }),
);

/**
 * What a container reaches over HTTP and HTTPS, in the words of Anthropic's managed agents. The same document in
 * wrangler.jsonc (`CLAUDE_EDGE_NETWORK`), over HTTP and in the options of a session.
 */
export const networkPolicy = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("limited"),
    /** `example.com`, `*.example.com` for all names below it, with a port if it is neither 80 nor 443. */
    allowed_hosts: z.optional(z.readonly(z.array(hostPattern).check(z.maxLength(MAX_HOSTS)))),
    /** The public registries of npm, PyPI, crates.io and others; off by default. */
    allow_package_managers: z.optional(z.boolean()),
    /** The hosts of the remote MCP servers in the options of sessions; off by default. */
    allow_mcp_servers: z.optional(z.boolean()),
    /** Web search, web fetch, code execution and documents by URL that the model's API provides; on by default. */
    allow_web_tools: z.optional(z.boolean()),
    /** Whether other hosts are denied, which they are by default, or somebody is asked about them during the turn. */
    unknown_hosts: z.optional(z.enum(["deny", "ask"])),
  }),
  z.strictObject({ type: z.literal("unrestricted") }),
]);
export type NetworkPolicy = z.infer<typeof networkPolicy>;

/** The policy of a deployment that sets none. */
export const DEFAULT_NETWORK_POLICY: NetworkPolicy = {
  type: "limited",
  allow_package_managers: true,
  allow_mcp_servers: true,
};
