import type { Env } from "./env.js";
import { wantsSnapshots } from "./settings.js";

/** A snapshot of a container's disk, and the image that it was made of: it starts that and no other. */
interface Snapshot {
  id: string;
  image: string;
}

const KEY = "snapshot";

/** A snapshot takes a few seconds; a container that is to sleep does not wait longer, milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * The platform's snapshot of a container, where the scheduling policy has some and the deployment wants them: what the
 * account's own checkpoints leave out (installed packages, caches) is there again after sleep, and what they hold need
 * not be fetched. It saves time and is never the only copy: the platform deletes it after 30 days, and a new image has
 * none.
 */
export class Snapshots {
  readonly #storage: DurableObjectStorage;
  readonly #isWanted: boolean;

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#storage = storage;
    this.#isWanted = wantsSnapshots(env);
  }

  /** The id of the snapshot that was made of an image. */
  async of(image: string): Promise<string | undefined> {
    if (!this.#isWanted) return undefined;
    const snapshot = await this.#storage.get<Snapshot>(KEY);
    return snapshot?.image === image ? snapshot.id : undefined;
  }

  /** Takes one of a container that is to sleep. */
  async take(container: Container, image: string | undefined): Promise<void> {
    if (!this.#isWanted || image === undefined) return;
    try {
      const late = scheduler.wait(PATIENCE_MS).then(() => undefined);
      const taken = await Promise.race([container.snapshotContainer(), late]);
      if (taken) await this.#storage.put<Snapshot>(KEY, { id: taken.id, image });
    } catch (error) {
      console.error("a snapshot could not be taken", error);
    }
  }

  async forget(): Promise<void> {
    if (this.#isWanted) await this.#storage.delete(KEY);
  }
}
