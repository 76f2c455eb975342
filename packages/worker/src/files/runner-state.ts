import { all } from "../sql/rows.js";

/** The state of a session's files in a runner. */
export interface RunnerFiles {
  root: string;
  /** The session's state that `root` is based on. The difference between the two are the runner's changes. */
  base: string;
  /** 0 when some of its content could not be stored. */
  whole: number;
}

/** The state of the workspace in the runner. The runner's checkpoints are deltas against it. */
export class RunnerState {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Undefined when the runner with this boot has not received the session's files. */
  get(boot: string): RunnerFiles | undefined {
    const query = "SELECT root, base, whole FROM workspace WHERE boot = ?";
    return all<RunnerFiles>(this.#sql, query, boot)[0];
  }

  /** The runner has received a state of the session. */
  set(boot: string, root: string): void {
    this.#put(boot, { root, base: root, whole: 1 });
  }

  /**
   * The runner has a newer state.
   * @param base The session's state with the runner's changes; undefined when they could not be stored.
   */
  advance(boot: string, root: string, base: string | undefined): void {
    const known = this.get(boot)?.base ?? "";
    this.#put(boot, { root, base: base ?? known, whole: base === undefined ? 0 : 1 });
  }

  /** Forgets a runner that is gone. */
  drop(boot: string): void {
    this.#sql.exec("DELETE FROM workspace WHERE boot = ?", boot);
  }

  /** Marks the runner's state as unknown. */
  clear(): void {
    this.#sql.exec("DELETE FROM workspace");
  }

  /** Roots that must survive garbage collection. */
  roots(): string[] {
    return all<{ root: string; base: string }>(
      this.#sql,
      "SELECT root, base FROM workspace",
    ).flatMap(({ root, base }) => [root, base].filter((hash) => hash !== ""));
  }

  #put(boot: string, { root, base, whole }: RunnerFiles): void {
    const values = [boot, root, base, whole];
    const { rowsWritten } = this.#sql.exec(
      "UPDATE workspace SET boot = ?, root = ?, base = ?, whole = ?",
      ...values,
    );
    if (rowsWritten === 0)
      this.#sql.exec(
        "INSERT INTO workspace (boot, root, base, whole) VALUES (?, ?, ?, ?)",
        ...values,
      );
  }
}
