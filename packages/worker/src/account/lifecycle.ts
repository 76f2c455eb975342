import { EdgeError, type AccountResource } from "@claude-edge/protocol";

import { iso } from "../iso.js";
import { assertJurisdiction, deploymentPort } from "../deployment/ports.js";
import type { Env } from "../env.js";
import { logger } from "../logger.js";
import type { CallerCheck } from "../session/account-port.js";
import { resetTables } from "../sql/migrate.js";
import { AccountRecord } from "./account-record.js";
import type { Audit } from "./audit.js";
import type { Directory } from "./directory.js";
import { eraseStep } from "./erasure.js";
import { ErasureTable } from "./erasure-table.js";
import type { SessionPort } from "./ports.js";
import { ACCOUNT_SCHEMA } from "./schema.js";

/** The account, as far as its creation and its end depend on it. */
interface LifecycleHost {
  readonly name: string;
  readonly id: string;
  readonly directory: Directory;
  readonly audit: Audit;
  session(id: string): SessionPort;
  removeSession(id: string): void;
  /** The tables are empty: what is in memory of them is out of date. */
  onErased(): void;
}

/** The beginning and end of an account: its place in the deployment's list, and its erasure. */
export class Lifecycle {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #host: LifecycleHost;
  readonly #record: AccountRecord;
  readonly #erasure: ErasureTable;
  #reporting: Promise<void> = Promise.resolve();
  /** Why the account serves nothing under the deployment's settings. */
  #refusal: EdgeError | undefined;

  constructor(ctx: DurableObjectState, env: Env, host: LifecycleHost) {
    this.#ctx = ctx;
    this.#env = env;
    this.#host = host;
    this.#record = new AccountRecord(ctx.storage.sql);
    this.#erasure = new ErasureTable(ctx.storage.sql);
    // Once in its life. In another jurisdiction every account would be a new one, so none begins there.
    if (!this.#record.exists) {
      void ctx.blockConcurrencyWhile(async () => {
        this.#refusal = await refusalOf(env);
      });
    }
  }

  get isErasing(): boolean {
    return this.#erasure.open !== undefined;
  }

  /**
   * Asserts that the account serves a call.
   * @throws EdgeError `account_erasing`, `jurisdiction_changed`, `setting_invalid`, `unauthorized` for a token from before
   * the account was erased.
   */
  assertServes({ issuedAt }: Pick<CallerCheck, "issuedAt"> = {}): void {
    this.assertHere();
    if (issuedAt !== undefined && this.#erasure.isOlder(issuedAt)) {
      throw new EdgeError("unauthorized", "The token is from before the account was erased.");
    }
    if (!this.isErasing) return;
    const message = `The account ${this.#host.name} is being erased.`;
    throw new EdgeError("account_erasing", message, { account: this.#host.name });
  }

  /** Asserts that the account is where the deployment's settings say. @throws EdgeError `jurisdiction_changed`, `setting_invalid`. */
  assertHere(): void {
    if (this.#refusal) throw this.#refusal;
  }

  /** Something was stored: an account that did not exist does from now on. Not in a transaction that may fail. */
  touch(): void {
    this.#record.touch(Date.now());
  }

  /** Whether a model call began before the account was erased: it must not count against what came after. */
  isGone(begunAt: number): boolean {
    return this.#erasure.isGone(begunAt);
  }

  /** @throws EdgeError `account_not_found`, `jurisdiction_changed`. */
  describe(): AccountResource {
    this.assertHere();
    const { name, directory } = this.#host;
    if (!this.#record.exists) {
      throw new EdgeError("account_not_found", `There is no account ${name}.`);
    }
    const { sessions, bytes, newest } = directory.sums();
    const { open } = this.#erasure;
    return {
      name,
      status: open ? "erasing" : "active",
      sessions,
      stored_bytes: bytes + this.#ctx.storage.sql.databaseSize,
      created_at: iso(this.#record.createdAt),
      last_active_at: iso(Math.max(this.#record.activeAt, newest)),
      ...(open && {
        erasure: {
          started_at: iso(open.startedAt),
          ...(open.error === null ? {} : { error: open.error }),
        },
      }),
    };
  }

  /** Begins the erasure, if it has not begun. The alarm does it. @throws EdgeError as {@link describe}. */
  async erase(): Promise<AccountResource> {
    this.describe();
    if (!this.isErasing) {
      this.#ctx.storage.transactionSync(() => {
        this.#erasure.begin(Date.now());
        this.#host.audit.add("account.erased", this.#host.name);
      });
      await this.#ctx.storage.setAlarm(Date.now());
      this.#ctx.waitUntil(this.#report().catch(() => {}));
    }
    return this.describe();
  }

  // The alarm.

  /** When the alarm has something to do here. */
  dueAt(): number | undefined {
    return this.isErasing ? Date.now() + this.#erasure.pauseMs : this.#record.dueAt();
  }

  /** Goes on with the erasure, or reports to the deployment's list what is due. */
  async onAlarm(): Promise<void> {
    if (this.isErasing) return this.#eraseStep();
    const due = this.#record.dueAt() ?? Infinity;
    if (due > Date.now()) return;
    try {
      await this.#report();
    } catch (error) {
      logger.warn("account not listed", { account: this.#host.name, error });
      this.#record.postpone(Date.now());
    }
  }

  /** One at a time: an older one must not arrive after a newer one, and none after the end. */
  #report(): Promise<void> {
    this.#reporting = this.#reporting
      .catch(() => {})
      .then(async () => {
        const now = Date.now();
        await deploymentPort(this.#env).report(this.describe());
        this.#record.setReported(now);
      });
    return this.#reporting;
  }

  async #eraseStep(): Promise<void> {
    try {
      const { storage } = this.#ctx;
      const isDone = await eraseStep(storage.sql, this.#env, this.#host);
      this.#erasure.note(undefined);
      if (isDone) await this.#end();
    } catch (error) {
      logger.error("account not erased yet", { account: this.#host.name, error });
      this.#erasure.note(error instanceof Error ? error.message : String(error));
    }
    if (!this.isErasing) return;
    await this.#ctx.storage.setAlarm(Date.now() + this.#erasure.pauseMs);
  }

  /** All but the account's own tables is gone. */
  async #end(): Promise<void> {
    const { name } = this.#host;
    const early = this.#erasure.endsFrom - Date.now();
    if (early > 0) await scheduler.wait(early);
    await this.#reporting.catch(() => {});
    // First of all: cut off behind it, this comes again.
    await deploymentPort(this.#env).forget(name);
    this.#ctx.storage.transactionSync(() => {
      this.#host.audit.throughErasure(() => resetTables(this.#ctx.storage, ACCOUNT_SCHEMA));
      this.#erasure.keepEnded(Date.now());
    });
    this.#record.forget();
    this.#host.onErased();
  }
}

/** @throws Error when the deployment's object cannot be reached: the account is then tried again by the next call. */
async function refusalOf(env: Env): Promise<EdgeError | undefined> {
  try {
    await assertJurisdiction(env);
    return undefined;
  } catch (error) {
    if (error instanceof EdgeError) return error;
    throw error;
  }
}
