import type { SessionOptions } from "@claude-edge/protocol";
import type { RunnerOptions } from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import { placeholdersIn } from "../secrets/placeholder.js";
import { sealAll } from "../secrets/secret-store.js";
import { accountPort } from "./account-link.js";
import type { AccountPort } from "./account-port.js";
import type { SplitOptions } from "./option-secrets.js";
import type { Store } from "./store.js";

/** The secrets of a session, which its account keeps: it opens them for the session's container. */
export class SessionSecrets {
  readonly #env: Env;
  readonly #account: string;
  readonly #session: string;

  constructor(env: Env, account: string, session: string) {
    this.#env = env;
    this.#account = account;
    this.#session = session;
  }

  /**
   * Seals secrets and hands them over. `prefix` and `kept`: of credentials of this kind, those that are in none of these
   * options are deleted. @throws EdgeError `too_many_secrets`; Error when the account cannot be reached.
   */
  async change(
    { secrets, removed }: Pick<SplitOptions, "secrets" | "removed">,
    prefix?: string,
    kept: readonly SessionOptions[] = [],
  ): Promise<void> {
    if (secrets.length === 0 && removed.length === 0 && prefix === undefined) return;
    const owner = { scope: "session", account: this.#account, session: this.#session } as const;
    const keep = kept.flatMap((options) => placeholdersIn(JSON.stringify(options)));
    await accountPort(this.#env, this.#account).changeSecrets(this.#session, {
      set: await sealAll(this.#env, owner, secrets),
      remove: removed,
      ...(prefix === undefined ? {} : { credentials: { prefix: `${prefix}:`, keep } }),
    });
  }
}

/** The variables of a session's processes, as an option of the runner's: placeholders, by name. */
export async function runnerVariables(
  { id, isEphemeral }: Pick<Store, "id" | "isEphemeral">,
  port: AccountPort,
): Promise<Pick<RunnerOptions, "variables">> {
  // One message runs no tools.
  if (isEphemeral) return {};
  const variables = await port.secretVariables(id);
  return Object.keys(variables).length > 0 ? { variables } : {};
}
