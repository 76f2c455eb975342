import { all } from "../account/rows.js";

/** How a runner has a session's files. */
export interface RunnerState {
  boot: string;
  root: string;
  /** The session's own state that it goes on from: what differs between the two is the runner's doing. */
  base: string;
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
      "SELECT boot, root, base, whole FROM workspaces WHERE session_id = ? AND boot = ?",
      session,
      boot,
    )[0];
  }

  /** The runner has a state of the session's own. */
  set(session: string, boot: string, root: string): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO workspaces (session_id, boot, root, base, whole) VALUES (?, ?, ?, ?, 1)",
      session,
      boot,
      root,
      root,
    );
  }

  /** The runner has gone on to another, which is not the session's yet. */
  advance(session: string, boot: string, root: string, whole: boolean): void {
    this.#sql.exec(
      `INSERT INTO workspaces (session_id, boot, root, base, whole) VALUES (?, ?, ?, '', ?)
        ON CONFLICT (session_id) DO UPDATE SET boot = excluded.boot, root = excluded.root, whole = excluded.whole`,
      session,
      boot,
      root,
      whole ? 1 : 0,
    );
  }

  /** What the runner has is in the session's state. */
  setBase(session: string, base: string): void {
    this.#sql.exec("UPDATE workspaces SET base = ? WHERE session_id = ?", base, session);
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
    return all<{ root: string }>(
      this.#sql,
      "SELECT root FROM workspaces UNION SELECT base FROM workspaces",
    ).map(({ root }) => root);
  }
}
