import type { SessionOptions, SessionResource } from "@claude-edge/protocol";
import type { LogSubject } from "@claude-edge/protocol/internal";
import { NO_BACKGROUND, type Background } from "@claude-edge/protocol/runner";

import type { EventTable } from "../log/event-table.js";
import { one } from "../sql/rows.js";
import type { NewSession, SessionColumns, SessionSettings } from "./row-types.js";

/** The session's row. Its newest event carries some of it too, so that an event is one row. */
export class SessionRow {
  readonly events: EventTable;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage, events: EventTable) {
    this.#sql = sql;
    this.events = events;
  }

  insertSession(session: NewSession, now: number): void {
    const { id, account, title, tags, options, container, ephemeral } = session;
    const { onContainerLost, approvalTimeoutMs, expiresIn, forkedFrom } = session;
    this.#sql.exec(
      `INSERT INTO session
        (id, account, title, tags, options, on_container_lost, approval_timeout_ms, expires_in, forked_from, container, ephemeral, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      account,
      title ?? null,
      JSON.stringify(tags),
      JSON.stringify(options),
      onContainerLost,
      approvalTimeoutMs ?? null,
      expiresIn ?? null,
      forkedFrom ? JSON.stringify(forkedFrom) : null,
      container,
      ephemeral ? 1 : 0,
      now,
      now,
    );
  }

  /** Columns of the session's row. The options may be a megabyte, so nothing reads all of them. */
  #read<Column extends keyof SessionColumns>(...columns: Column[]): Pick<SessionColumns, Column> {
    return one(this.#sql, `SELECT ${columns.join(", ")} FROM session`);
  }

  /** Where the session stands: by its row, or by its newest event, whichever is further. */
  position(): Pick<SessionColumns, "seq" | "updated_at" | "log_boot" | "log_cursor"> {
    const row = this.#read("seq", "updated_at", "log_boot", "log_since", "log_cursor");
    const newest = this.events.newest();
    if (!newest) return row;
    const { log_boot, log_since, log_cursor } = row;
    return {
      seq: Math.max(row.seq, newest.seq),
      updated_at: Math.max(row.updated_at, newest.created_at),
      log_boot,
      log_cursor: newest.seq > log_since ? Math.max(log_cursor, newest.cursor) : log_cursor,
    };
  }

  /** What an entry of the log about the session names; nothing once it is gone. */
  get subject(): LogSubject {
    try {
      const { account, id: session, container } = this.#read("account", "id", "container");
      return { account, session, container };
    } catch {
      return {};
    }
  }

  get id(): string {
    return this.#read("id").id;
  }

  get createdAt(): number {
    return this.#read("created_at").created_at;
  }

  get account(): string {
    return this.#read("account").account;
  }

  /** The name of the session's container. */
  get container(): string {
    return this.#read("container").container;
  }

  /** It runs in another container from now on. */
  setContainer(name: string): void {
    this.#sql.exec("UPDATE session SET container = ?", name);
  }

  /** It stands for a request of the Messages API: in no list, and deleted with its answer. */
  get isEphemeral(): boolean {
    return this.#read("ephemeral").ephemeral === 1;
  }

  get hasTitle(): boolean {
    return this.#read("title").title !== null;
  }

  get onContainerLost(): SessionResource["on_container_lost"] {
    return this.#read("on_container_lost").on_container_lost;
  }

  /** How long a permission or question may wait for its answer, milliseconds; undefined: as by default. */
  get approvalTimeoutMs(): number | undefined {
    return this.#read("approval_timeout_ms").approval_timeout_ms ?? undefined;
  }

  /** What the session was given by its creation and by updates. */
  get settings(): SessionSettings {
    const row = this.#read(
      ...(["account", "title", "tags", "options", "on_container_lost"] as const),
      ...(["approval_timeout_ms", "expires_in", "forked_from"] as const),
    );
    return {
      account: row.account,
      title: row.title ?? undefined,
      tags: JSON.parse(row.tags) as string[],
      options: JSON.parse(row.options) as SessionOptions,
      onContainerLost: row.on_container_lost,
      approvalTimeoutMs: row.approval_timeout_ms ?? undefined,
      expiresIn: row.expires_in ?? undefined,
      forkedFrom: row.forked_from
        ? (JSON.parse(row.forked_from) as SessionSettings["forkedFrom"])
        : undefined,
    };
  }

  setTitle(title: string): void {
    this.#sql.exec("UPDATE session SET title = ?", title);
  }

  setTags(tags: string[]): void {
    this.#sql.exec("UPDATE session SET tags = ?", JSON.stringify(tags));
  }

  setApprovalTimeout(ms: number): void {
    this.#sql.exec("UPDATE session SET approval_timeout_ms = ?", ms);
  }

  /** `never`: as long as the deployment keeps it. */
  setExpiresIn(seconds: number | "never", now: number): void {
    const own = seconds === "never" ? null : seconds;
    this.#sql.exec("UPDATE session SET expires_in = ?, expires_in_since = ?", own, now);
  }

  /** How long it wants to be kept after its last activity, seconds, and when that was set. */
  get expiry(): Pick<SessionColumns, "expires_in" | "expires_in_since"> {
    return this.#read("expires_in", "expires_in_since");
  }

  /** What runs in the background. */
  get background(): Background {
    const { background } = this.#read("background");
    return background === null ? NO_BACKGROUND : (JSON.parse(background) as Background);
  }

  set background(now: Background | undefined) {
    const json = now?.isActive ? JSON.stringify(now) : null;
    this.#sql.exec("UPDATE session SET background = ?", json);
  }

  /** The boot of the runner that has the session's transcript. */
  get transcriptBoot(): string | null {
    return this.#read("transcript_boot").transcript_boot;
  }

  setTranscriptBoot(boot: string | null): void {
    this.#sql.exec("UPDATE session SET transcript_boot = ?", boot);
  }

  /** The runner whose log is followed, and the cursor up to which it is applied. */
  get followed(): { boot: string; cursor: number } | undefined {
    const { log_boot: boot, log_cursor: cursor } = this.position();
    return boot === null ? undefined : { boot, cursor };
  }

  /** Whether a runner may hold data of the session. */
  get hasRunner(): boolean {
    return this.#read("log_boot").log_boot !== null;
  }

  /** Cursors of events so far are those of another boot, or are covered. */
  setFollowed(boot: string | null, cursor: number): void {
    this.#sql.exec(
      "UPDATE session SET log_boot = ?, log_since = ?, log_cursor = ?, failing_cursor = NULL",
      boot,
      this.position().seq,
      cursor,
    );
  }

  /** The next event takes a seq after this one. */
  skipTo(seq: number): void {
    this.#sql.exec("UPDATE session SET seq = ?", seq);
  }

  /** The log is applied up to a cursor that no event carries. */
  setApplied(seq: number, cursor: number): void {
    this.#sql.exec("UPDATE session SET seq = ?, log_cursor = ?", seq, cursor);
  }
}
