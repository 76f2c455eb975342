import { matchesHost, type SecretList, type SecretResource } from "@claude-edge/protocol";

import { deploymentPort } from "../deployment/ports.js";
import type { OpenSecret } from "../egress/replace-secrets.js";
import type { FoundSecrets, MisdirectedSecret, SecretQuery } from "../egress/secret-source.js";
import type { Env } from "../env.js";
import { logger } from "../logger.js";
import { open } from "../secrets/sealing.js";
import { SecretStore } from "../secrets/secret-store.js";
import { isVariable } from "../secrets/secret-table.js";
import type { NewSecret, StoredSecret } from "../secrets/secret-table.js";
import type { SessionSecretChanges } from "../session/account-port.js";
import type { Audit } from "./audit.js";

/** Secrets of the deployment are asked for again after this, milliseconds: a change reaches a running session so late. */
const FRESH_MS = 5_000;

interface SecretsHost {
  /** The account's. */
  readonly name: string;
  readonly audit: Pick<Audit, "add">;
  /** Called before the account gets a secret of its own. @throws EdgeError `storage_full`. */
  beforeAdd(): void;
}

/** The secrets of an account, of its sessions, and, as a copy in memory, of the deployment. */
export class AccountSecrets {
  readonly #env: Env;
  readonly #store: SecretStore;
  readonly #storage: DurableObjectStorage;
  readonly #host: SecretsHost;
  /** The deployment's, sealed. */
  #shared: { secrets: StoredSecret[]; at: number } | undefined;

  constructor(storage: DurableObjectStorage, env: Env, host: SecretsHost) {
    this.#storage = storage;
    this.#host = host;
    this.#env = env;
    this.#store = new SecretStore(storage, env, host.name);
  }

  /** @throws EdgeError `too_many_secrets`, `storage_full`. */
  set(secret: NewSecret): SecretResource {
    this.#host.beforeAdd();
    return this.#storage.transactionSync(() => {
      const stored = this.#store.set(secret);
      this.#host.audit.add("secret.set", secret.name, { details: { hosts: secret.hosts } });
      return stored;
    });
  }

  /** @throws EdgeError `secret_not_found`. */
  delete(name: string): void {
    this.#storage.transactionSync(() => {
      this.#store.delete(name);
      this.#host.audit.add("secret.deleted", name);
    });
  }

  /** The account's own, or those of one of its sessions. */
  async list(session: string | undefined): Promise<SecretList> {
    return { secrets: await this.#store.list(session) };
  }

  /** Changes the secrets of a session. Safe to repeat. @throws EdgeError `too_many_secrets`. */
  change(session: string, { set, remove, credentials }: SessionSecretChanges): void {
    const { table } = this.#store;
    this.#store.put(set);
    for (const name of remove) table.remove(session, name);
    if (!credentials) return;
    const { prefix, keep } = credentials;
    for (const { name, placeholder } of table.ofOwner(session)) {
      if (name.startsWith(prefix) && !keep.includes(placeholder)) table.remove(session, name);
    }
  }

  /** Gives a fork what the session has that it is of. Safe to repeat. */
  copy(from: string, to: string): Promise<void> {
    return this.#store.copy(from, to);
  }

  removeAllOf(session: string): void {
    this.#store.table.removeAllOf(session);
  }

  /** The variables of a session's processes, with placeholders: of one name, the narrower secret. In order of their names. */
  async variables(session: string): Promise<Record<string, string>> {
    const { table } = this.#store;
    const shared = await this.#ofDeployment();
    const variables = new Map<string, string>();
    for (const { name, placeholder } of [
      ...shared,
      ...table.ofOwner(""),
      ...table.ofOwner(session),
    ]) {
      if (isVariable(name)) variables.set(name, placeholder);
    }
    const inOrder = [...variables].toSorted(([left], [right]) => (left < right ? -1 : 1));
    return Object.fromEntries(inOrder);
  }

  /**
   * Opens the secrets of a request that are for its host. What is for another host is named, and stays sealed.
   * @throws EdgeError `secret_unreadable`.
   */
  async openFor({
    target,
    session,
    placeholders,
    hasBody,
    isPrivate,
  }: SecretQuery): Promise<FoundSecrets> {
    const { table } = this.#store;
    const isForHost = ({ hosts }: StoredSecret) =>
      isPrivate && hosts.some((pattern) => matchesHost(pattern, target));
    const mayHave = (secret: StoredSecret) =>
      session === undefined || secret.session === "" || secret.session === session;
    const found: FoundSecrets = { open: [], misdirected: [] };
    const own = placeholders.flatMap((placeholder) => table.byPlaceholder(placeholder) ?? []);
    const wantsShared = hasBody || own.length < placeholders.length;
    const shared = wantsShared ? await this.#ofDeployment() : [];
    const named = shared.filter(({ placeholder }) => placeholders.includes(placeholder));
    const inBodies = hasBody
      ? [...table.inBodies(), ...shared.filter(({ places }) => places.body)].filter(isForHost)
      : [];
    const isShared = new Set(shared.map(({ placeholder }) => placeholder));
    const wanted = new Map(
      [...own, ...named, ...inBodies].filter(mayHave).map((secret) => [secret.placeholder, secret]),
    );
    for (const secret of wanted.values()) {
      const ofDeployment = isShared.has(secret.placeholder);
      const scope = ofDeployment ? "deployment" : this.#store.ownerOf(secret).scope;
      const shown = { name: shownName(secret.name), scope };
      if (isForHost(secret)) found.open.push(await this.#open(secret, shown));
      else found.misdirected.push(shown);
    }
    return found;
  }

  async #open(secret: StoredSecret, shown: MisdirectedSecret): Promise<OpenSecret> {
    const { name, placeholder, places } = secret;
    const identity = { scope: "deployment", account: "", session: "", name } as const;
    const value =
      shown.scope === "deployment"
        ? await open(this.#env, identity, secret)
        : await this.#store.open(secret);
    return { ...shown, placeholder, places, value };
  }

  /** The deployment's secrets. If its object cannot be reached, those of before count. */
  async #ofDeployment(): Promise<StoredSecret[]> {
    const known = this.#shared;
    if (known && Date.now() - known.at < FRESH_MS) return known.secrets;
    try {
      const secrets = await deploymentPort(this.#env).sealedSecrets();
      this.#shared = { secrets, at: Date.now() };
      return secrets;
    } catch (error) {
      if (!known) throw error;
      logger.warn("secrets of the deployment not read again", { account: this.#host.name, error });
      return known.secrets;
    }
  }
}

/** What people know a secret by: a credential of the options has the server's name and the header's. */
const shownName = (name: string): string => name.replace(/^\w+:/, "");
