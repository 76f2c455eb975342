/** An account, as the operator of a deployment sees it. Times are ISO 8601. */
export interface AccountResource {
  name: string;
  /** `erasing`: it is being deleted, and serves nothing until that is done. */
  status: "active" | "erasing";
  /** While it is being erased: those that are left, as with `stored_bytes`. */
  sessions: number;
  /** Bytes in the databases of its objects and in R2. */
  stored_bytes: number;
  created_at: string;
  last_active_at: string;
  erasure?: AccountErasure;
}

/** How far an erasure is. */
export interface AccountErasure {
  started_at: string;
  /** Why the last step failed. It is tried again, after five minutes at the latest. */
  error?: string;
}

/**
 * Answer of `GET /v1/accounts`: the last active first; `next_cursor` is there when more follow. An account reports its
 * figures every 15 minutes while it is in use.
 */
export interface AccountList {
  accounts: AccountResource[];
  next_cursor?: string;
}
