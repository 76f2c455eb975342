import { isAccount, isAccountList, type AccountResource } from "@claude-edge/protocol/wire";

import { backoffMs } from "./backoff.js";
import type { CallOptions } from "./call-options.js";
import { abortError, ApiError } from "./errors.js";
import { pageQuery, paged } from "./paged.js";
import { parseAnswer } from "./parse-answer.js";
import type { Transport } from "./transport.js";

/** How an account is deleted. */
export interface DeleteAccountOptions extends CallOptions {
  /** Called with what is left, again and again until it is gone. */
  onProgress?: ((account: AccountResource) => void) | undefined;
}

/** The accounts of the deployment, for its operator: all of it takes the root key. */
export class Accounts {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Accounts, the last active first; pages are fetched as they are needed. Figures may be 15 minutes old.
   * @throws ApiError `forbidden` without the root key.
   */
  async *list({
    signal,
    limit = Infinity,
  }: CallOptions & { limit?: number } = {}): AsyncGenerator<AccountResource> {
    yield* paged(limit, async (cursor, left) => {
      const path = `/v1/accounts?${pageQuery(cursor, left)}`;
      const answer = await this.#transport.json(path, { signal });
      const { accounts, next_cursor } = parseAnswer(isAccountList, answer);
      return { items: accounts, next_cursor };
    });
  }

  /** An account as it stands now. @throws ApiError `account_not_found`, `forbidden` without the root key. */
  async retrieve(name: string, { signal }: CallOptions = {}): Promise<AccountResource> {
    return parseAnswer(isAccount, await this.#transport.json(pathOf(name), { signal }));
  }

  /**
   * Erases an account: its sessions with their files, its tokens, limits and usage. Its turns end as `interrupted`, its
   * tokens open nothing from then on. Resolves when all of it is gone, and the name can be used anew; it goes on without
   * being waited for, so that aborting ends the waiting alone.
   * @throws ApiError `account_not_found`, `forbidden` without the root key.
   */
  async delete(name: string, { signal, onProgress }: DeleteAccountOptions = {}): Promise<void> {
    const { clock, random } = this.#transport.config;
    const answer = await this.#transport.json(pathOf(name), { method: "DELETE", signal });
    let account: AccountResource | undefined = parseAnswer(isAccount, answer);
    for (let attempt = 0; account?.status === "erasing"; attempt += 1) {
      onProgress?.(account);
      await clock.sleep(backoffMs(attempt, random), signal).catch((reason: unknown) => {
        throw abortError(reason);
      });
      account = await this.#find(name, signal);
    }
  }

  async #find(name: string, signal: AbortSignal | undefined): Promise<AccountResource | undefined> {
    try {
      return await this.retrieve(name, { signal });
    } catch (error) {
      if (error instanceof ApiError && error.code === "account_not_found") return undefined;
      throw error;
    }
  }
}

/** A name that would be another path is one that the deployment refuses. */
const pathOf = (name: string) =>
  `/v1/accounts/${encodeURIComponent(/^\.{0,2}$/.test(name) ? `"${name}"` : name)}`;
