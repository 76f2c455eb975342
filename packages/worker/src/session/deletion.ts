import { callRunner, containerStub } from "../container/runner-client.js";
import type { Env } from "../env.js";
import { logger } from "../logger.js";
import { homeOf, wantsSnapshots, withStandIn } from "../settings.js";
import { accountPort } from "./account-link.js";
import type { Actor } from "./account-port.js";
import { audit } from "./audit.js";
import type { SessionParts } from "./parts.js";

/** The session's object, as far as its deletion depends on it. */
interface DeletionHost {
  parts(): SessionParts;
  /** Clears the storage and replaces the parts. */
  clear(): Promise<void>;
  wakeIn(ms: number): Promise<void>;
}

/** A deletion that could not be finished, or was cut off, goes on after this, milliseconds. */
const AGAIN_MS = 30_000;

/** Attempts to have the runner forget the session. Without that it does when its container sleeps. */
const MAX_TRIES = 3;
const RETRY_MS = 250;

/**
 * Deletes a session. One that has begun is durable: the session is gone for callers, and the object's alarm goes on with
 * it until nothing is left. Every step may be repeated.
 */
export class Deletion {
  readonly #env: Env;
  readonly #host: DeletionHost;
  #finishing: Promise<void> | undefined;

  constructor(env: Env, host: DeletionHost) {
    this.#env = env;
    this.#host = host;
  }

  /**
   * Ends the session's turns and marks it. Not while its log is replayed.
   * @param of `isExpired`: it was kept for long enough. `by`: the caller. Without this the account itself is being erased.
   */
  begin(reason: string, of?: { by: Actor | undefined; isExpired: boolean }): void {
    const { store, turns } = this.#host.parts();
    try {
      store.transaction(() => {
        turns.endAll(reason);
        if (of?.isExpired) store.outbox.add({ kind: "expired" });
        if (of) audit(store, of.by, { action: "session.deleted", target: store.id });
        store.isDeleting = true;
      });
    } catch (error) {
      // The storage may be full. What frees it needs no room.
      logger.error("turns of a deleted session not ended", { ...store.subject, error });
      store.isDeleting = true;
    }
  }

  /** Does what is left of a deletion that has begun. @throws Error when the account cannot be reached: the alarm goes on. */
  finish(): Promise<void> {
    this.#finishing ??= this.#finish().finally(() => {
      this.#finishing = undefined;
    });
    return this.#finishing;
  }

  async #finish(): Promise<void> {
    const { store, log, runnerLog, link, files, traceExport } = this.#host.parts();
    if (!store.isDeleting) return;
    const armed = this.#host.wakeIn(AGAIN_MS);
    const drained = log.drain();
    runnerLog.stop();
    await armed;
    if (wantsSnapshots(this.#env)) {
      for (const name of withStandIn(homeOf(store.container))) {
        await containerStub(this.#env, name).forgetSnapshot();
      }
    }
    await this.#forgetInRunner();
    // The process is gone, so no result will account for its model calls.
    store.transaction(() => store.modelCalls.settleWithoutResult());
    await link.deliverLast();
    await traceExport.sendLast();
    const { id, account } = store;
    await drained;
    files.stored.blobs.close();
    await accountPort(this.#env, account).removeSession(id, files.stored.folder);
    await this.#host.clear();
  }

  async #forgetInRunner(): Promise<void> {
    const { store, container } = this.#host.parts();
    for (let tries = 0; store.hasRunner && tries < MAX_TRIES; tries += 1) {
      if (tries > 0) await scheduler.wait(RETRY_MS);
      const call = callRunner(container(), "DELETE", `/sessions/${store.id}`);
      const answer = await call.catch(() => undefined);
      if (answer?.ok) store.setFollowed(null, 0);
    }
  }
}
