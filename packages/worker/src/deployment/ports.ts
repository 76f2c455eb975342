import {
  EdgeError,
  type AccountList,
  type AccountResource,
  type SecretList,
  type SecretResource,
} from "@claude-edge/protocol";

import type { Env } from "../env.js";
import type { NewSecret, StoredSecret } from "../secrets/secret-table.js";
import { jurisdictionOf, objectNamed, patient, type Jurisdiction } from "../objects.js";

/** The list of accounts and the deployment's secrets, as accounts and the API call them. */
export interface DeploymentPort {
  /** Adds an account, or brings what is listed of it up to date. */
  report(account: AccountResource): Promise<void>;
  /** Takes an account out of the list. */
  forget(name: string): Promise<void>;
  /** The last active first. @throws EdgeError `invalid_request` for a cursor, `jurisdiction_changed`. */
  listAccounts(cursor: string | undefined, limit: number): Promise<AccountList>;
  /** Stores a secret of the deployment. @throws EdgeError `too_many_secrets`, `jurisdiction_changed`. */
  putSecret(secret: NewSecret): Promise<SecretResource>;
  /** @throws EdgeError `secret_not_found`, `jurisdiction_changed`. */
  deleteSecret(name: string): Promise<void>;
  /** @throws EdgeError `jurisdiction_changed`. */
  listSecrets(): Promise<SecretList>;
  /** The deployment's secrets with their values, sealed: for accounts, which open what their containers send. */
  sealedSecrets(): Promise<StoredSecret[]>;
}

/** Remembers the deployment's jurisdiction. */
export interface JurisdictionPort {
  claimJurisdiction(claimed: Jurisdiction | null): Promise<Jurisdiction | null>;
}

const LIST = "accounts";
const MARK = "jurisdiction";

/** Attempts to ask for the jurisdiction, and the pause between them, milliseconds: a deployment resets objects. */
const TRIES = 3;
const PAUSE_MS = 250;

/** The list of accounts and the secrets. Get a new stub for every call. */
export const deploymentPort = (env: Env): DeploymentPort =>
  objectNamed<DeploymentPort>(env, "DEPLOYMENT", LIST);

/**
 * Asserts that the deployment's objects are where `CLAUDE_EDGE_JURISDICTION` says. With another value all of them would be
 * others, and empty. The first value is remembered by an object that is the same under each.
 * @throws EdgeError `jurisdiction_changed`, `setting_invalid`, and Error when it cannot be known.
 */
export async function assertJurisdiction(env: Env): Promise<void> {
  const claimed = jurisdictionOf(env) ?? null;
  const stored = await claim(env, claimed);
  if (stored === claimed) return;
  const name = (value: string | null) => value ?? "none";
  const message = `This deployment has its data in jurisdiction ${name(stored)}, and CLAUDE_EDGE_JURISDICTION now says ${name(claimed)}.`;
  throw new EdgeError("jurisdiction_changed", message, { stored, claimed });
}

async function claim(env: Env, claimed: Jurisdiction | null): Promise<Jurisdiction | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      const mark = patient(() => env.DEPLOYMENT.getByName(MARK)) as JurisdictionPort;
      return await mark.claimJurisdiction(claimed);
    } catch (error) {
      if (tries === TRIES) throw error;
      await scheduler.wait(PAUSE_MS);
    }
  }
}
