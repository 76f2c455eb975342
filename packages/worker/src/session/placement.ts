import type { PlacedRunner } from "../container/places.js";
import { callRunner, containerStub } from "../container/runner-client.js";
import type { Env } from "../env.js";
import type { RunnerLog } from "../log/runner-log.js";
import { containerName, homeOf } from "../settings.js";
import { ensureRunner, type RunnerWish } from "./ensure-runner.js";
import type { Store } from "./store.js";
import type { WorkspaceSync } from "./workspace-sync.js";

/** How long a runner that the session leaves may take for a last checkpoint, milliseconds. */
const LAST_CHECKPOINT_MS = 10_000;

/** Where the session's turns run: in its own container, or in the stand-in of that while it drains. */
export class Placement {
  readonly #env: Env;
  readonly #store: Store;
  readonly #runnerLog: RunnerLog;
  readonly #workspace: WorkspaceSync;
  /** The boot that was had last, since this object was loaded. */
  #boot: string | undefined;

  constructor(env: Env, store: Store, runnerLog: RunnerLog, workspace: WorkspaceSync) {
    this.#env = env;
    this.#store = store;
    this.#runnerLog = runnerLog;
    this.#workspace = workspace;
  }

  /**
   * Whether the session's log is being read, which proves that its runner lives, and that runner was had for it since this
   * object was loaded: a deployment resets objects, and may have other runners for new turns.
   */
  get isSettled(): boolean {
    return this.#runnerLog.isFollowing && this.#store.followed?.boot === this.#boot;
  }

  /**
   * Has a runner for the session's next turn, started if needed, and follows its log. Not while a turn runs. Undefined once
   * it is no longer wanted. @throws EdgeError as {@link ensureRunner}.
   */
  async ensure(wish: Omit<RunnerWish, "account" | "of">): Promise<PlacedRunner | undefined> {
    const { id: session, account, container, options } = this.#store;
    const at = (name: string) => containerStub(this.#env, name);
    // A session that was given a network policy since leaves the container that it shared.
    const { network } = options.get();
    const home = at(
      network ? containerName(this.#env, account, session, { network }) : homeOf(container),
    );
    const placed = await ensureRunner(home, at, this.#runnerLog, {
      account,
      of: { session, container },
      ...wish,
    });
    if (placed === undefined) return undefined;
    if (placed.container !== container) {
      await this.#leave();
      if (!wish.isWanted()) return undefined;
      this.#store.setContainer(placed.container);
    }
    this.#runnerLog.follow(placed.boot);
    this.#boot = placed.boot;
    return placed;
  }

  /** Stores what the last runner has of the session's files, and has it forget the session, if it still answers. */
  async #leave(): Promise<void> {
    const stored = this.#workspace.takeCheckpoint("sleep").catch(() => false);
    const isStored = await Promise.race([
      stored,
      scheduler.wait(LAST_CHECKPOINT_MS).then(() => false),
    ]);
    if (!isStored) return;
    this.#runnerLog.stop();
    // It may run on for others, for hours.
    const { id, container } = this.#store;
    await callRunner(containerStub(this.#env, container), "DELETE", `/sessions/${id}`).catch(
      () => {},
    );
  }
}
