import {
  isSecret,
  isSecretList,
  type SecretPlaces,
  type SecretResource,
} from "@claude-edge/protocol/wire";

import type { CallOptions } from "./call-options.js";
import { parseAnswer } from "./parse-answer.js";
import type { Transport } from "./transport.js";

/** A secret as it is given. */
export interface SetSecretOptions extends CallOptions {
  /** One line of printable ASCII, 64 KiB at the most. It is sealed and never told again. */
  value: string;
  /** The hosts that get it, like `api.example.com`, `*.example.com` or `api.example.com:8443`. */
  hosts: readonly string[];
  /** Where in a request it may stand; in headers without it. */
  in?: SecretPlaces | undefined;
}

/** Whose secrets are listed. */
export interface ListSecretsOptions extends CallOptions {
  /** Those of this session, which were in its options. */
  sessionId?: string | undefined;
}

/**
 * Secrets: the agent's processes have a placeholder in a variable of each one's name, and the gateway puts the value in on
 * the way to its hosts. Those of the account; with the root key and no account, those of the deployment, for all accounts.
 */
export class Secrets {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Sets a secret, or another value for it: processes that run go on with that.
   * @throws ApiError `secret_name_refused`, `secret_hosts_invalid`, `secret_value_invalid`, `secret_too_large`,
   * `too_many_secrets`, `forbidden` without the root key or a token that has the scope `admin`.
   */
  async set(name: string, options: SetSecretOptions): Promise<SecretResource> {
    const { value, hosts, in: places, signal } = options;
    const body = { value, hosts, in: places };
    const call = { method: "PUT", body, signal } as const;
    return parseAnswer(isSecret, await this.#transport.json(pathOf(name), call));
  }

  /** What there is, by name: hosts and dates, never values. */
  async list({ sessionId, signal }: ListSecretsOptions = {}): Promise<SecretResource[]> {
    const query = sessionId === undefined ? "" : `?session_id=${encodeURIComponent(sessionId)}`;
    const answer = await this.#transport.json(`/v1/secrets${query}`, { signal });
    return parseAnswer(isSecretList, answer).secrets;
  }

  /** @throws ApiError `secret_not_found`, `forbidden` as {@link Secrets.set}. */
  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    const { close } = await this.#transport.request(pathOf(name), { method: "DELETE", signal });
    close();
  }
}

/** A name that would be another path is one that the deployment refuses. */
const pathOf = (name: string) =>
  `/v1/secrets/${encodeURIComponent(/^\.{0,2}$/.test(name) ? `"${name}"` : name)}`;
