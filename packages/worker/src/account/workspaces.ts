import type { CheckpointTaken, TakeCheckpoint } from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import type { FileStore } from "../workspace/file-store.js";
import { bringWorkspace, type Bringing } from "../workspace/to-runner.js";
import type { ContainerLogs } from "./container-logs.js";
import { callRunner, containerStub, type ContainerStub } from "./runner-client.js";
import type { Store, TurnRow } from "./store.js";

/** A checkpoint that is asked for is waited for this long: of a large workspace it takes its time. Milliseconds. */
const CHECKPOINT_MS = 120_000;

/** A container whose files could not be stored is kept for this many tries. */
const MAX_TRIES = 3;

/** Brings sessions' files to their runners, and has these store what has changed. */
export class Workspaces {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: Store;
  readonly #files: FileStore;
  readonly #logs: ContainerLogs;
  /** Those on their way to a runner, by session. */
  readonly #bringing = new Map<string, { boot: string; bringing: Promise<Bringing> }>();
  /** How often a container was to sleep whose files could not be stored. */
  readonly #tries = new Map<string, number>();

  constructor(
    ctx: DurableObjectState,
    env: Env,
    store: Store,
    files: FileStore,
    logs: ContainerLogs,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = store;
    this.#files = files;
    this.#logs = logs;
  }

  /**
   * Hands the runner a session's files, as far as it has not got them. Resolves when a turn can begin; `whole` tells what
   * becomes of the rest, which its tools wait for.
   * @throws EdgeError `workspace_unavailable`, `file_damaged`, `container_lost` when the runner was replaced meanwhile.
   */
  async bring(session: string): Promise<Bringing> {
    const { name, boot } = this.#runnerOf(session);
    if (boot === undefined) return { whole: Promise.resolve() };
    const known = this.#bringing.get(session);
    // What is on its way to a runner that is gone is of no use to the one in its place.
    if (known?.boot === boot) return known.bringing;
    const isThere = () => this.#runnerOf(session).boot === boot;
    const bringing = bringWorkspace(this.#files, this.#container(name), session, boot, isThere);
    this.#bringing.set(session, { boot, bringing });
    const over = bringing
      .then((brought) => brought.whole)
      .catch((thrown: unknown) => {
        console.error(`the files of ${session} could not be brought`, thrown);
      })
      .finally(() => {
        if (this.#bringing.get(session)?.bringing === bringing) this.#bringing.delete(session);
      });
    this.#ctx.waitUntil(over);
    return bringing;
  }

  /** Goes on for a turn that runs, after a restart. @throws EdgeError when what its tools wait for does not arrive. */
  async goOn({ session_id: session, boot }: TurnRow): Promise<void> {
    if (boot === null || this.#files.runners.get(session, boot)) return;
    const { whole } = await this.bring(session);
    await whole;
  }

  /**
   * Has a session's runner store what has changed. False when that could not be done for now; with no container there
   * is nothing to store.
   */
  async takeCheckpoint(session: string, reason: TakeCheckpoint["reason"]): Promise<boolean> {
    const { name, boot } = this.#runnerOf(session);
    if (boot === undefined || !this.#files.runners.get(session, boot)) return true;
    const container = this.#container(name);
    const take: TakeCheckpoint = { reason };
    const path = `/sessions/${session}/checkpoints`;
    try {
      return await this.#logs.during(name, boot, async () => {
        const call = callRunner<CheckpointTaken>(container, "POST", path, take, CHECKPOINT_MS);
        const { ok, body } = await call;
        return ok && (await this.#logs.untilApplied(name, body.cursor, CHECKPOINT_MS));
      });
    } catch {
      const state = await container.state().catch(() => undefined);
      return state?.running === false;
    }
  }

  /** Has a container that is to sleep store what has changed in it. False: it had better be kept for now. */
  async store(name: string, boot: string): Promise<boolean> {
    const taken = [];
    for (const session of this.#files.runners.sessionsOf(boot)) {
      taken.push(await this.takeCheckpoint(session, "sleep"));
    }
    const tries = (this.#tries.get(name) ?? 0) + 1;
    const isOver = taken.every(Boolean) || tries >= MAX_TRIES;
    if (isOver) this.#tries.delete(name);
    else this.#tries.set(name, tries);
    return isOver;
  }

  /** The container of a session, and the boot of its runner if that is awake. */
  #runnerOf(session: string): { name: string; boot: string | undefined } {
    const name = this.#store.containerOf(session);
    return { name, boot: this.#store.containers.get(name)?.boot };
  }

  #container(name: string): ContainerStub {
    return containerStub(this.#env, name);
  }
}
