import {
  coversPattern,
  EdgeError,
  type HostAndPort,
  type NetworkPolicy,
  type NetworkReport,
  type SessionResource,
  type SetNetworkRequest,
} from "@claude-edge/protocol";

import { mcpHosts } from "../egress/mcp-hosts.js";
import { grantName } from "../egress/network-policy.js";
import { PACKAGE_MANAGER_HOSTS } from "../egress/package-managers.js";
import type { AccountNetwork } from "../egress/rule-book.js";
import type { Env } from "../env.js";
import { deploymentPolicy } from "../settings.js";
import { all } from "../sql/rows.js";
import { NetworkGrants } from "./network-grants.js";

/** A turn that has not ended. */
interface OpenTurn {
  id: string;
  session_id: string;
  status: string;
}

/** What a session adds to the rules. */
export interface SessionNetwork {
  policy?: NetworkPolicy;
  /** As patterns of `allowed_hosts`. */
  mcpHosts?: string[];
}

/** What a session adds to the rules; undefined for nothing. */
export function networkOf({ options = {} }: Partial<SessionResource>): SessionNetwork | undefined {
  const hosts = mcpHosts(options);
  const { network: policy } = options;
  if (policy === undefined && hosts.length === 0) return undefined;
  return { ...(policy ? { policy } : {}), ...(hosts.length > 0 ? { mcpHosts: hosts } : {}) };
}

/** The account's own network policy, and what its sessions add to the rules. */
export class Network {
  readonly #sql: SqlStorage;
  readonly #env: Env;
  readonly grants: NetworkGrants;

  constructor(sql: SqlStorage, env: Env) {
    this.#sql = sql;
    this.#env = env;
    this.grants = new NetworkGrants(sql);
  }

  /** The rules of a container; `session`: the one that it belongs to alone, `open`: the account's open turns. */
  rules(session: string | undefined, open: readonly OpenTurn[]): AccountNetwork {
    const rows = all<{ network: string }>(
      this.#sql,
      "SELECT network FROM sessions WHERE network IS NOT NULL AND (?1 IS NULL OR id = ?1)",
      session ?? null,
    ).map(({ network }) => JSON.parse(network) as SessionNetwork);
    return {
      own: this.own,
      session: (session !== undefined && rows[0]?.policy) || null,
      mcpHosts: [...new Set(rows.flatMap(({ mcpHosts: hosts = [] }) => hosts))],
      grants: this.#grantsIn(session, open),
    };
  }

  /** What is granted to the account, and to the sessions and turns that run in a container. */
  #grantsIn(session: string | undefined, open: readonly OpenTurn[]): string[] {
    const running = this.sessionsIn(session, open).flatMap((of) => this.grants.of(of));
    return [...new Set([...this.grants.ofAccount, ...running])];
  }

  /** Whether somebody has allowed a host for what runs in a container. */
  isGranted(session: string | undefined, open: readonly OpenTurn[], target: HostAndPort): boolean {
    const name = grantName(target);
    return name !== undefined && this.#grantsIn(session, open).includes(name);
  }

  get own(): NetworkPolicy | null {
    const [row] = all<{ policy: string }>(this.#sql, "SELECT policy FROM network");
    return row ? (JSON.parse(row.policy) as NetworkPolicy) : null;
  }

  /** @throws EdgeError `setting_invalid`. */
  report(account: string): NetworkReport {
    const granted = this.grants.ofAccount;
    return { account, deployment: deploymentPolicy(this.#env), own: this.own, granted };
  }

  /**
   * The sessions that a container's traffic is counted for, with their running turns: the one that it belongs to alone, or
   * all whose turns run in the container that is shared.
   */
  sessionsIn(
    session: string | undefined,
    open: readonly OpenTurn[],
  ): { id: string; turn: string }[] {
    const running = open.filter(({ status }) => status === "running");
    const turnOf = (id: string) => running.find(({ session_id }) => session_id === id)?.id ?? "";
    if (session !== undefined) return [{ id: session, turn: turnOf(session) }];
    const apart = new Set(this.#withPolicy());
    return running
      .filter(({ session_id }) => !apart.has(session_id))
      .map(({ id, session_id }) => ({ id: session_id, turn: id }));
  }

  /** Sessions that have a policy, and so a container of their own. */
  #withPolicy(): string[] {
    return all<{ id: string }>(
      this.#sql,
      "SELECT id FROM sessions WHERE network IS NOT NULL AND network ->> 'policy' IS NOT NULL",
    ).map(({ id }) => id);
  }

  /**
   * Sets the account's own policy; null removes it. `granted`: the grants that stay. Call it in a transaction.
   * @throws EdgeError `network_too_wide`.
   */
  set({ policy, granted }: Pick<SetNetworkRequest, "policy" | "granted">): void {
    if (granted) this.grants.withdraw(granted);
    if (policy) assertWithin(deploymentPolicy(this.#env), policy);
    this.#sql.exec("DELETE FROM network");
    if (policy) this.#sql.exec("INSERT INTO network (policy) VALUES (?)", JSON.stringify(policy));
  }
}

/** @throws EdgeError `network_too_wide` for a policy that names what the wider one denies. */
function assertWithin(wide: NetworkPolicy, policy: NetworkPolicy): void {
  if (wide.type === "unrestricted" || wide.unknown_hosts === "ask") return;
  const allowed = [
    ...(wide.allowed_hosts ?? []),
    ...(wide.allow_package_managers === true ? PACKAGE_MANAGER_HOSTS : []),
  ];
  const hosts = policy.type === "limited" ? (policy.allowed_hosts ?? []) : ["all hosts"];
  const beyond = hosts.filter((host) => !allowed.some((outer) => coversPattern(outer, host)));
  if (beyond.length === 0) return;
  const message = `The deployment's network policy does not allow ${beyond.slice(0, 5).join(", ")}.`;
  throw new EdgeError("network_too_wide", message, { hosts: beyond });
}
