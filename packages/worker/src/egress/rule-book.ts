import type { NetworkPolicy } from "@claude-edge/protocol";

import { BoundedMap } from "../bounded-map.js";
import type { Env } from "../env.js";
import { objectNamed } from "../objects.js";
import { deploymentPolicy } from "../settings.js";
import type { NetworkRules } from "./network-policy.js";

/** What an account knows of the network rules of its containers. */
export interface AccountNetwork {
  own: NetworkPolicy | null;
  /** Of the session that the container belongs to alone. */
  session: NetworkPolicy | null;
  /** The hosts of MCP servers, as patterns: that session's, or those of all sessions of the account. */
  mcpHosts: string[];
  /** Of the account, and of the sessions and turns that run in the container. */
  grants: string[];
}

/** The part of an account's object that the gateway asks. */
interface NetworkPort {
  networkRules(session: string | undefined): Promise<AccountNetwork>;
}

/**
 * How long policies are used, milliseconds, and how soon a denial has them read again. Grants are used for as long as the
 * second: one of a turn ends with it, and the next turn in the container is another session's.
 */
const KEPT_MS = 5_000;
const REREAD_MS = 500;

/** Containers whose rules are kept. */
const MAX_KEPT = 1_000;

/** What an account said, and when. */
interface KnownRules {
  account: AccountNetwork;
  at: number;
}

/** The rules of containers, read from their accounts and kept for a moment. */
export class RuleBook {
  /** Answers, not promises: a promise of a request that is cancelled never settles for another one. */
  readonly #kept = new BoundedMap<string, KnownRules>(MAX_KEPT);

  /** @throws EdgeError `setting_invalid`; Error when the account's object cannot be reached. */
  async of(
    env: Env,
    account: string,
    session: string | undefined,
    fresh: boolean,
  ): Promise<NetworkRules> {
    const known = await this.#accountNetwork(env, account, session, fresh ? REREAD_MS : KEPT_MS);
    const { own, session: ofSession, mcpHosts, grants } = known;
    const policies = {
      deployment: deploymentPolicy(env),
      ...(own ? { account: own } : {}),
      ...(ofSession ? { session: ofSession } : {}),
    };
    // From memory a grant would outlive its turn by seconds.
    return { policies, mcpHosts, grants: fresh ? grants : [] };
  }

  async #accountNetwork(
    env: Env,
    account: string,
    session: string | undefined,
    keptMs: number,
  ): Promise<AccountNetwork> {
    const key = `${account}/${session ?? ""}`;
    const now = Date.now();
    const kept = this.#kept.get(key);
    if (kept && now - kept.at < keptMs) return kept.account;
    const read = await objectNamed<NetworkPort>(env, "ACCOUNT", account).networkRules(session);
    this.#kept.set(key, { account: read, at: Date.now() });
    return read;
  }
}

/** Shared by all requests that this isolate serves. */
export const ruleBook: RuleBook = new RuleBook();
