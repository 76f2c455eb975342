import {
  matchesHost,
  parseHostPattern,
  type HostAndPort,
  type NetworkPolicy,
} from "@claude-edge/protocol";

import { PACKAGE_MANAGER_HOSTS } from "./package-managers.js";
import { patternOf } from "./target.js";

export type PolicyLevel = "deployment" | "account" | "session";

/** The policies that count for a container, and the hosts of its sessions' MCP servers as patterns. */
export interface NetworkRules {
  policies: Partial<Record<PolicyLevel, NetworkPolicy>>;
  mcpHosts: readonly string[];
  /** Hosts that people have allowed when asked, by their {@link grantName}. */
  grants: readonly string[];
}

/**
 * How a host is named when somebody is asked about it: as `allowed_hosts` does, so 80 and 443 are one. Undefined for what
 * the URL parser takes and no pattern names, an asterisk for example.
 */
export function grantName(target: HostAndPort): string | undefined {
  const name = patternOf(target);
  const pattern = parseHostPattern(name);
  return pattern && !pattern.isWildcard ? name : undefined;
}

const LEVELS: readonly PolicyLevel[] = ["deployment", "account", "session"];

/**
 * The widest policy that does not allow a host; undefined when all do. One that does not ask comes before those that do, and
 * a grant counts for those that do alone.
 */
export function deniedBy(rules: NetworkRules, target: HostAndPort): PolicyLevel | undefined {
  const name = grantName(target);
  const isGranted = name !== undefined && rules.grants.includes(name);
  const denying = LEVELS.filter((level) => {
    const policy = rules.policies[level];
    return policy !== undefined && !allows(policy, rules.mcpHosts, target);
  });
  const strict = denying.find((level) => !asks(rules, level));
  return strict ?? (isGranted ? undefined : denying[0]);
}

/** The widest policy that does not allow the tools of the model's API that reach the web. */
export const webToolsDeniedBy = (rules: NetworkRules): PolicyLevel | undefined =>
  firstOf(rules, (policy) => policy.type === "limited" && policy.allow_web_tools === false);

/** The widest policy that does not allow the model's API a host: as one of its web tools, or at all. */
export const urlDeniedBy = (rules: NetworkRules, target: HostAndPort): PolicyLevel | undefined =>
  firstOf(
    rules,
    (policy) =>
      policy.type === "limited" &&
      policy.allow_web_tools === false &&
      !allows(policy, rules.mcpHosts, target),
  );

/** The widest policy that can deny anything. */
export const limitedBy = (rules: NetworkRules): PolicyLevel | undefined =>
  firstOf(rules, ({ type }) => type === "limited");

function firstOf(
  { policies }: NetworkRules,
  isIt: (policy: NetworkPolicy) => boolean,
): PolicyLevel | undefined {
  return LEVELS.find((level) => {
    const policy = policies[level];
    return policy !== undefined && isIt(policy);
  });
}

/** Whether a policy has somebody asked about hosts that it does not list. */
export function asks({ policies }: NetworkRules, level: PolicyLevel): boolean {
  const policy = policies[level];
  return policy?.type === "limited" && policy.unknown_hosts === "ask";
}

function allows(policy: NetworkPolicy, mcpHosts: readonly string[], target: HostAndPort): boolean {
  if (policy.type === "unrestricted") return true;
  const patterns = [
    ...(policy.allowed_hosts ?? []),
    ...(policy.allow_package_managers === true ? PACKAGE_MANAGER_HOSTS : []),
    ...(policy.allow_mcp_servers === true ? mcpHosts : []),
  ];
  return patterns.some((pattern) => matchesHost(pattern, target));
}
