import { all } from "../account/rows.js";

/** How a runner has a session's files. */
export interface RunnerState {
  boot: string;
  root: string;
  /** 0 when something of it could not be stored. */
  whole: number;
}

/** The states in which runners have the workspaces of their sessions: what they tell of next is told against these. */
export class RunnerStates {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Undefined when the runner with this boot has not been told of the session's files. */
  get(session: string, boot: string): RunnerState | undefined {
    return all<RunnerState>(
      this.#sql,
      "SELECT boot, root, whole FROM workspaces WHERE session_id = ? AND boot = ?",
      session,
      boot,
    )[0];
  }

  set(session: string, boot: string, root: string, whole = true): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO workspaces VALUES (?, ?, ?, ?)",
      session,
      boot,
      root,
      whole ? 1 : 0,
    );
  }

  /** The sessions that a runner has files of. */
  sessionsOf(boot: string): string[] {
    return all<{ session_id: string }>(
      this.#sql,
      "SELECT session_id FROM workspaces WHERE boot = ?",
      boot,
    ).map(({ session_id }) => session_id);
  }

  /** A runner is gone. */
  drop(boot: string): void {
    this.#sql.exec("DELETE FROM workspaces WHERE boot = ?", boot);
  }

  delete(session: string): void {
    this.#sql.exec("DELETE FROM workspaces WHERE session_id = ?", session);
  }

  roots(): string[] {
    return all<{ root: string }>(this.#sql, "SELECT DISTINCT root FROM workspaces").map(
      ({ root }) => root,
    );
  }
}
