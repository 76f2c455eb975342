import { DurableObject } from "cloudflare:workers";

import type {
  AccountList,
  AccountResource,
  SecretList,
  SecretResource,
} from "@claude-edge/protocol";

import type { Env } from "../env.js";
import type { Jurisdiction, Served } from "../objects.js";
import { SecretStore } from "../secrets/secret-store.js";
import type { NewSecret, StoredSecret } from "../secrets/secret-table.js";
import { migrate } from "../sql/migrate.js";
import { all } from "../sql/rows.js";
import { AccountListing } from "./account-list.js";
import { assertJurisdiction, type DeploymentPort, type JurisdictionPort } from "./ports.js";
import { DEPLOYMENT_SCHEMA } from "./schema.js";

/**
 * What is of a deployment as a whole. Two objects of this class: one has the list of accounts and the
 * deployment's secrets, and is in its jurisdiction; the other, outside of any, remembers which that is. Of an account in use
 * the first is asked for its secrets every few seconds at most; if it cannot be reached, those of before count.
 */
export class DeploymentDO
  extends DurableObject<Env>
  implements Served<DeploymentPort>, Served<JurisdictionPort>
{
  readonly #accounts: AccountListing;
  readonly #secrets: SecretStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage, DEPLOYMENT_SCHEMA);
    this.#accounts = new AccountListing(ctx.storage.sql);
    this.#secrets = new SecretStore(ctx.storage, env, "");
  }

  // Of the list.

  report(account: AccountResource): void {
    this.#accounts.set(account);
  }

  forget(name: string): void {
    this.#accounts.remove(name);
  }

  /** @throws EdgeError `invalid_request` for a cursor, `jurisdiction_changed`. */
  async listAccounts(cursor: string | undefined, limit: number): Promise<AccountList> {
    await assertJurisdiction(this.env);
    return this.#accounts.page(cursor, limit);
  }

  // Secrets.

  /** @throws EdgeError `too_many_secrets`, `jurisdiction_changed`. */
  async putSecret(secret: NewSecret): Promise<SecretResource> {
    await assertJurisdiction(this.env);
    return this.#secrets.set(secret);
  }

  /** @throws EdgeError `secret_not_found`, `jurisdiction_changed`. */
  async deleteSecret(name: string): Promise<void> {
    await assertJurisdiction(this.env);
    this.#secrets.delete(name);
  }

  /** @throws EdgeError `jurisdiction_changed`. */
  async listSecrets(): Promise<SecretList> {
    await assertJurisdiction(this.env);
    return { secrets: await this.#secrets.list() };
  }

  async sealedSecrets(): Promise<StoredSecret[]> {
    await this.#secrets.resealAll();
    return this.#secrets.table.ofOwner("");
  }

  // Of the one outside of jurisdictions.

  /** Gives the jurisdiction that the deployment has its data in: the first that was claimed. */
  claimJurisdiction(claimed: Jurisdiction | null): Jurisdiction | null {
    const { sql } = this.ctx.storage;
    const [stored] = all<{ name: Jurisdiction | null }>(sql, "SELECT name FROM jurisdiction");
    if (stored) return stored.name;
    sql.exec("INSERT INTO jurisdiction (name) VALUES (?)", claimed);
    return claimed;
  }
}
