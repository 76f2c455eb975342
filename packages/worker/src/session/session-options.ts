import type { ControlMethod, SessionOptions } from "@claude-edge/protocol";
import type { ModeChange } from "@claude-edge/protocol/runner";

import { one } from "../sql/rows.js";

/**
 * The session's options, unredacted, for the agent only. Callers get them redacted from `Store.resource`. Secrets are not in
 * them: the account keeps those.
 */
export class SessionOptionsTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(): SessionOptions {
    const { options } = one<{ options: string }>(this.#sql, "SELECT options FROM session");
    return JSON.parse(options) as SessionOptions;
  }

  set(options: SessionOptions): void {
    this.#sql.exec("UPDATE session SET options = ?", JSON.stringify(options));
  }

  /** Changes the permission mode, if it is still `from`. */
  changeMode({ from, to }: ModeChange): void {
    const options = this.get();
    if ((options.permissionMode ?? null) !== from) return;
    this.set({ ...options, permissionMode: to });
  }

  /** Stores an option that a control method has set. `before`: the options when it was called. */
  applyControl(
    before: SessionOptions,
    method: ControlMethod,
    [value]: unknown[],
    result?: unknown,
  ): void {
    if (method === "setModel") {
      this.set({ ...this.get(), model: (value ?? undefined) as string });
    } else if (method === "setPermissionMode") {
      // If the mode has changed again meanwhile, that change is newer and came from the log.
      const from = before.permissionMode ?? null;
      // Claude Code tells the mode in effect, which can differ from the one asked for.
      const { mode = value } = (result ?? {}) as { mode?: unknown };
      this.changeMode({ from, to: mode as ModeChange["to"] });
    }
  }
}
