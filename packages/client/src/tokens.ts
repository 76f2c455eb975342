import {
  clientError,
  isMintedToken,
  isToken,
  isTokenList,
  TOKEN_ID,
  type MintedToken,
  type Scope,
  type TokenResource,
} from "@claude-edge/protocol/wire";

import type { CallOptions } from "./call-options.js";
import { ClaudeEdgeError } from "./errors.js";
import { paged } from "./paged.js";
import { parseAnswer } from "./parse-answer.js";
import type { Transport } from "./transport.js";

/** What a token is made with. */
export interface CreateTokenOptions extends CallOptions {
  /** The account it is for: the client's own without it. Only the root key may name another. */
  account?: string | undefined;
  /** What it allows; all but `admin` without them. */
  scopes?: readonly Scope[] | undefined;
  /** How long it holds, seconds, or `never` to end; 90 days without it. */
  expiresIn?: number | "never" | undefined;
  /** The one session it is for. */
  sessionId?: string | undefined;
  /**
   * The one request that it may answer, for a link in a message: it has the scope `requests:answer` alone, and holds for a
   * day unless told otherwise. After the first answer there is nothing that it could answer.
   */
  requestId?: string | undefined;
  /** What people call it. */
  name?: string | undefined;
}

/** An account's tokens: for those who shall use the account and not hold the root key. */
export class Tokens {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Mints a token. Its `token` is in this answer and nowhere else.
   * @throws ApiError `forbidden` without the root key or a token that has the scope `admin`.
   */
  async create(options: CreateTokenOptions = {}): Promise<MintedToken> {
    const { account, scopes, expiresIn, sessionId, requestId, name, ...call } = options;
    const { signal, idempotencyKey = crypto.randomUUID() } = call;
    const body = {
      account,
      scopes,
      expires_in: expiresIn,
      session_id: sessionId,
      request_id: requestId,
      name,
    };
    const request = { method: "POST", body, signal, idempotencyKey } as const;
    return parseAnswer(isMintedToken, await this.#transport.json("/v1/tokens", request));
  }

  /** The account's tokens, newest first: those that hold, and those that were revoked. Not the ones minted elsewhere. */
  async *list({ signal }: CallOptions = {}): AsyncGenerator<TokenResource, void, undefined> {
    yield* paged(Infinity, async (cursor = "") => {
      const answer = await this.#transport.json(`/v1/tokens?cursor=${cursor}`, { signal });
      const { tokens, next_cursor } = parseAnswer(isTokenList, answer);
      return { items: tokens, next_cursor };
    });
  }

  /**
   * Revokes a token by its id: it opens nothing from then on, and what is being read with it ends. An id that the
   * account does not know is that of a token minted elsewhere, as far as it can tell; its answer has no `created_at`.
   * @throws ClaudeEdgeError `invalid_request` for what is no id: the token itself must not get into an address.
   */
  async revoke(id: string, { signal }: CallOptions = {}): Promise<TokenResource> {
    if (!TOKEN_ID.test(id)) {
      const message = "A token is revoked by its id, not by itself.";
      throw new ClaudeEdgeError(clientError("invalid_request", message));
    }
    const path = `/v1/tokens/${id}`;
    return parseAnswer(isToken, await this.#transport.json(path, { method: "DELETE", signal }));
  }
}
