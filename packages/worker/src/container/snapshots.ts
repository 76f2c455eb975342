import type { LogSubject } from "@claude-edge/protocol/internal";

import type { Env } from "../env.js";
import { logger } from "../logger.js";
import { wantsSnapshots } from "../settings.js";

/** A snapshot of a container's disk. It is only valid for the image it was made from. */
interface Snapshot {
  id: string;
  image: string;
}

const KEY = "snapshot";

/** Timeout of taking a snapshot, milliseconds. It usually takes a few seconds. */
const SNAPSHOT_TIMEOUT_MS = 60_000;

/**
 * The platform's snapshot of a container, if the scheduling policy supports them and the deployment enables them. It
 * restores what the session's checkpoints leave out (installed packages, caches) and saves fetching what they hold. It is
 * never the only copy: the platform deletes it after 30 days, and a new image starts without one.
 */
export class Snapshots {
  readonly #storage: DurableObjectStorage;
  readonly #isWanted: boolean;
  readonly #subject: LogSubject;

  constructor(storage: DurableObjectStorage, env: Env, subject: LogSubject) {
    this.#subject = subject;
    this.#storage = storage;
    this.#isWanted = wantsSnapshots(env);
  }

  /** The id of the snapshot for an image. */
  async of(image: string): Promise<string | undefined> {
    if (!this.#isWanted) return undefined;
    const snapshot = await this.#storage.get<Snapshot>(KEY);
    return snapshot?.image === image ? snapshot.id : undefined;
  }

  /** Takes a snapshot of a container that is about to sleep. */
  async take(container: Container, image: string | undefined): Promise<void> {
    if (!this.#isWanted || image === undefined) return;
    try {
      const timeout = scheduler.wait(SNAPSHOT_TIMEOUT_MS).then(() => undefined);
      const taken = await Promise.race([container.snapshotContainer(), timeout]);
      if (taken) await this.#storage.put<Snapshot>(KEY, { id: taken.id, image });
    } catch (error) {
      logger.warn("snapshot not taken", { ...this.#subject, error });
    }
  }

  async forget(): Promise<void> {
    if (this.#isWanted) await this.#storage.delete(KEY);
  }
}
