import type { CheckpointTaken, TakeCheckpoint } from "@claude-edge/protocol/runner";

import { callRunner, type ContainerStub } from "../container/runner-client.js";
import type { FileStore } from "../files/file-store.js";
import { sendWorkspace, type WorkspaceTransfer } from "../files/to-runner.js";
import type { RunnerLog } from "../log/runner-log.js";
import { logger } from "../logger.js";
import type { Store } from "./store.js";

/** Timeout of a checkpoint, milliseconds: a large workspace takes long. */
const CHECKPOINT_MS = 120_000;

/** Sends the session's files to its runner, and takes checkpoints of the runner's changes. */
export class WorkspaceSync {
  readonly #ctx: DurableObjectState;
  readonly #store: Store;
  readonly #files: FileStore;
  readonly #runnerLog: RunnerLog;
  readonly #container: () => ContainerStub;
  /** The transfer to the runner that is in progress. */
  #current: { boot: string; transfer: Promise<WorkspaceTransfer> } | undefined;

  constructor(
    ctx: DurableObjectState,
    store: Store,
    files: FileStore,
    runnerLog: RunnerLog,
    container: () => ContainerStub,
  ) {
    this.#ctx = ctx;
    this.#store = store;
    this.#files = files;
    this.#runnerLog = runnerLog;
    this.#container = container;
  }

  /**
   * Sends the session's files to the runner, except those it has. Resolves when a turn can start. `complete` settles with
   * the transfer of the rest, which the turn's tools wait for.
   * @throws EdgeError `workspace_unavailable`, `file_damaged`, `container_lost` when the runner was replaced meanwhile.
   */
  async send(): Promise<WorkspaceTransfer> {
    const boot = this.#boot();
    if (boot === undefined) return { complete: Promise.resolve() };
    // A transfer to a previous runner does not help its replacement.
    if (this.#current?.boot === boot) return this.#current.transfer;
    const isCurrent = () => this.#boot() === boot;
    const { id } = this.#store;
    const transfer = sendWorkspace(this.#files, this.#container(), id, boot, isCurrent);
    this.#current = { boot, transfer };
    const settled = transfer
      .then((brought) => brought.complete)
      .catch((error: unknown) =>
        logger.error("files not brought", { ...this.#store.subject, error }),
      )
      .finally(() => {
        if (this.#current?.transfer === transfer) this.#current = undefined;
      });
    this.#ctx.waitUntil(settled);
    return transfer;
  }

  /** Completes the transfer for a running turn after a restart. @throws EdgeError when the files do not arrive. */
  async resume(boot: string): Promise<void> {
    if (this.#files.runner.get(boot)) return;
    const { complete } = await this.send();
    await complete;
  }

  /**
   * Stores the runner's changes. False when that failed for now. True without a container: there is nothing to store.
   */
  async takeCheckpoint(reason: TakeCheckpoint["reason"]): Promise<boolean> {
    const boot = this.#boot();
    if (boot === undefined || !this.#files.runner.get(boot)) return true;
    const container = this.#container();
    const take: TakeCheckpoint = { reason };
    const path = `/sessions/${this.#store.id}/checkpoints`;
    try {
      return await this.#runnerLog.during(boot, async () => {
        const call = callRunner<CheckpointTaken>(container, "POST", path, take, CHECKPOINT_MS);
        const { ok, body } = await call;
        return ok && (await this.#runnerLog.whenApplied(body.cursor, CHECKPOINT_MS));
      });
    } catch {
      const state = await container.state().catch(() => undefined);
      return state?.running === false;
    }
  }

  /** The boot of the session's runner, if it is awake. */
  #boot(): string | undefined {
    return this.#store.exists ? this.#store.followed?.boot : undefined;
  }
}
