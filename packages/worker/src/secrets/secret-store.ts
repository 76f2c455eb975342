import { EdgeError, type SecretResource } from "@claude-edge/protocol";

import type { Env } from "../env.js";
import type { CheckedSecret } from "./check-secret.js";
import { forFork, newPlaceholder } from "./placeholder.js";
import { isOfOldKey, open, seal, type SecretIdentity } from "./sealing.js";
import {
  isVariable,
  resourceOf,
  SecretTable,
  type NewSecret,
  type StoredSecret,
} from "./secret-table.js";

type Owner = Pick<SecretIdentity, "scope" | "account" | "session">;

/** A checked secret that has its placeholder already: it is in the session's options. */
export type SecretToSeal = CheckedSecret & { placeholder?: string };

/** Seals secrets of one owner. @throws EdgeError `not_configured`. */
export function sealAll(
  env: Env,
  owner: Owner,
  secrets: readonly SecretToSeal[],
): Promise<NewSecret[]> {
  return Promise.all(
    secrets.map(async ({ name, value, hosts, places, placeholder = newPlaceholder(owner) }) => ({
      session: owner.session,
      name,
      placeholder,
      hosts,
      places,
      ...(await seal(env, { ...owner, name }, value)),
    })),
  );
}

/** The secrets of an object: the deployment's, or those of an account and its sessions. Values come in and lie sealed. */
export class SecretStore {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  /** Empty for the deployment. */
  readonly #account: string;
  readonly table: SecretTable;

  constructor(storage: DurableObjectStorage, env: Env, account: string) {
    this.#storage = storage;
    this.#env = env;
    this.#account = account;
    this.table = new SecretTable(storage.sql);
  }

  /** Stores sealed secrets. @throws EdgeError `too_many_secrets`; nothing is stored then. */
  put(secrets: readonly NewSecret[]): void {
    this.#storage.transactionSync(() => this.table.put(secrets, Date.now()));
  }

  /** Stores a sealed secret of the object's own. @throws EdgeError `too_many_secrets`. */
  set(secret: NewSecret): SecretResource {
    this.put([secret]);
    const stored = this.table.ofOwner("").find(({ name }) => name === secret.name)!;
    return resourceOf(stored, this.ownerOf(stored).scope);
  }

  /** @throws EdgeError `secret_not_found`. */
  delete(name: string): void {
    if (this.table.remove("", name)) return;
    throw new EdgeError("secret_not_found", `There is no secret ${JSON.stringify(name)}.`, {
      name,
    });
  }

  /** The secrets of one owner that are variables. What an old root key sealed is sealed anew. */
  async list(session = ""): Promise<SecretResource[]> {
    const unreadable = await this.resealAll();
    return this.table
      .ofOwner(session)
      .filter(({ name }) => isVariable(name))
      .map((stored) => ({
        ...resourceOf(stored, this.ownerOf(stored).scope),
        ...(unreadable.has(stored.placeholder) ? { unreadable: true as const } : {}),
      }));
  }

  /** Seals anew what was sealed with an old root key. Gives the placeholders of those that cannot be opened. */
  async resealAll(): Promise<Set<string>> {
    const unreadable = new Set<string>();
    for (const stored of this.table.all()) {
      if (!(await isOfOldKey(this.#env, stored))) continue;
      await this.open(stored).catch(() => unreadable.add(stored.placeholder));
    }
    return unreadable;
  }

  /** The value of a secret of this object, which is sealed anew if its key is old. @throws EdgeError `secret_unreadable`. */
  async open(stored: StoredSecret): Promise<string> {
    const identity = { ...this.ownerOf(stored), name: stored.name };
    const value = await open(this.#env, identity, stored);
    if (await isOfOldKey(this.#env, stored)) {
      this.table.reseal(stored, await seal(this.#env, identity, value));
    }
    return value;
  }

  /** Gives a session copies of the secrets of another, which it is forked from. Those that it has stay: safe to repeat. */
  async copy(from: string, to: string): Promise<void> {
    const has = new Set(this.table.ofOwner(to).map(({ name }) => name));
    const missing = this.table.ofOwner(from).filter(({ name }) => !has.has(name));
    const copies = await Promise.all(
      missing.map(async (stored): Promise<NewSecret> => {
        const { name, hosts, places } = stored;
        const value = await this.open(stored);
        const identity = { ...this.ownerOf({ session: to }), name };
        const placeholder = forFork(stored.placeholder, from, to);
        const sealed = await seal(this.#env, identity, value);
        return { session: to, name, placeholder, hosts, places, ...sealed };
      }),
    );
    this.put(copies);
  }

  ownerOf({ session }: Pick<StoredSecret, "session">): Owner {
    const account = this.#account;
    if (account === "") return { scope: "deployment", account, session: "" };
    return { scope: session === "" ? "account" : "session", account, session };
  }
}
