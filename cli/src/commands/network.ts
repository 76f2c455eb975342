import type { NetworkPolicy, NetworkReport } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { table } from "../terminal/table.js";

export interface NetworkFlags extends TargetFlags {
  json?: boolean;
}

export interface LimitNetworkFlags extends NetworkFlags {
  packageManagers: boolean;
  mcpServers: boolean;
  ask?: boolean;
}

/** `claude-edge network`. Gives the exit code. */
export async function showNetwork(flags: NetworkFlags, context: Context): Promise<number> {
  return print(await connect(flags, context).network(context), flags, context);
}

/** `claude-edge network allow`. Gives the exit code. */
export function allowHosts(
  hosts: string[],
  flags: NetworkFlags,
  context: Context,
): Promise<number> {
  return change(flags, context, ({ own }) => {
    if (own?.type !== "limited") throw noPolicy("Then the deployment's policy alone counts");
    const allowed_hosts = [
      ...new Set([...(own.allowed_hosts ?? []), ...hosts.map((host) => host.toLowerCase())]),
    ];
    return { policy: { ...own, allowed_hosts } };
  });
}

/** `claude-edge network deny`. Gives the exit code. */
export function denyHosts(given: string[], flags: NetworkFlags, context: Context): Promise<number> {
  const hosts = given.map((host) => host.toLowerCase());
  return change(flags, context, ({ own, deployment, granted }) => {
    const isKept = (host: string) => !hosts.includes(host.toLowerCase());
    const left = granted.filter(isKept);
    // What was granted alone is withdrawn, and the policies stay as they are.
    if (granted.length - left.length === hosts.length) return { policy: own, granted: left };
    const policy = own ?? deployment;
    if (policy.type !== "limited") throw noPolicy("All hosts are allowed");
    const allowed_hosts = (policy.allowed_hosts ?? []).filter(isKept);
    const listed = new Set(
      [...(policy.allowed_hosts ?? []), ...granted].map((host) => host.toLowerCase()),
    );
    const unlisted = hosts.find((host) => !listed.has(host));
    if (unlisted !== undefined) {
      const message = `${unlisted} is not listed, so it cannot be taken out; a pattern or a switch of the policy may allow it all the same.`;
      throw new EdgeError("usage", message);
    }
    return { policy: { ...policy, allowed_hosts }, granted: left };
  });
}

/** `claude-edge network limit`. Gives the exit code. */
export function limitNetwork(
  hosts: string[],
  flags: LimitNetworkFlags,
  context: Context,
): Promise<number> {
  return change(flags, context, () => ({
    policy: {
      type: "limited",
      allowed_hosts: hosts,
      allow_package_managers: flags.packageManagers,
      allow_mcp_servers: flags.mcpServers,
      ...(flags.ask ? { unknown_hosts: "ask" } : {}),
    },
  }));
}

/** `claude-edge network reset`. Gives the exit code. */
export function resetNetwork(flags: NetworkFlags, context: Context): Promise<number> {
  return change(flags, context, () => ({ policy: null, granted: [] }));
}

/** Two people who change a policy at the same moment overwrite each other, as in a file. */
async function change(
  flags: NetworkFlags,
  context: Context,
  next: (report: NetworkReport) => { policy: NetworkPolicy | null; granted?: string[] },
): Promise<number> {
  const edge = connect(flags, context);
  const { policy, granted } = next(await edge.network(context));
  const { signal } = context;
  return print(await edge.setNetwork(policy, { granted, signal }), flags, context);
}

const noPolicy = (is: string) =>
  new EdgeError(
    "usage",
    `The account has no limited network policy of its own. ${is}; claude-edge network limit gives the account its own.`,
  );

async function print(
  report: NetworkReport,
  { json }: NetworkFlags,
  { stdout }: Context,
): Promise<number> {
  if (json) {
    await writeJson(stdout, report);
    return EXIT.ok;
  }
  const rows = [
    ["the deployment's", ...cells(report.deployment)],
    ["the account's", ...(report.own ? cells(report.own) : ["none", "", "", "", ""])],
  ];
  if (report.granted.length > 0) rows.push(["", "granted", "", "", "", report.granted.join(" ")]);
  const head = ["WHOSE", "POLICY", "REGISTRIES", "MCP SERVERS", "OTHERS", "HOSTS"];
  await write(stdout, table(head, rows));
  return EXIT.ok;
}

function cells(policy: NetworkPolicy): string[] {
  if (policy.type === "unrestricted") return [policy.type, "yes", "yes", "", "all"];
  const yes = (allowed: boolean | undefined) => (allowed === true ? "yes" : "no");
  const hosts = policy.allowed_hosts ?? [];
  return [
    policy.type,
    yes(policy.allow_package_managers),
    yes(policy.allow_mcp_servers),
    policy.unknown_hosts === "ask" ? "asked about" : "denied",
    hosts.join(" ") || "none",
  ];
}
