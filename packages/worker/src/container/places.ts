import { toWireError } from "@claude-edge/protocol";
import { DRAINING } from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import { objectNamed } from "../objects.js";
import { standInOf } from "../settings.js";

/** A runner, and the object of the container that it runs in. */
export interface PlacedRunner {
  boot: string;
  container: string;
  /** Set when the container was started for this call, or for one at the same time. */
  launch?: Launch;
}

/** How a container was started. */
export interface Launch {
  /** How long it took until its runner answered, milliseconds. */
  ms: number;
  /** The runner's version. */
  runner: string;
  fromSnapshot: boolean;
}

/** A session, and the container that its last turn ran in. */
export interface PlacedSession {
  session: string;
  container: string;
}

/** The two objects of which one has the container that takes new turns. */
export interface Place {
  /**
   * Starts its container if needed. While that is being replaced it is for the session alone that has a turn in it.
   * @throws EdgeError `container_unavailable` with the reason `draining`, and others.
   */
  ensureHere(account: string, recheck: boolean, session?: string): Promise<PlacedRunner>;
  /** Its runner, if that has a turn of the session. Starts nothing. */
  runnerOf(session: string): Promise<PlacedRunner | undefined>;
}

const KEY = "moved";

/**
 * Where new turns go. An object has one container, and one that drains may run for 14 minutes more, so each container has a
 * stand-in: a second object, which takes the new turns from then on, until its own container drains.
 */
export class Places<Here extends Place> {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #name: string;
  readonly #here: Here;
  #isMoved: boolean | undefined;

  constructor(storage: DurableObjectStorage, env: Env, name: string, here: Here) {
    this.#storage = storage;
    this.#env = env;
    this.#name = name;
    this.#here = here;
  }

  /**
   * The runner for new turns, started if needed. `of`: the session whose turn it is for. A runner may have taken that turn
   * already, and its answer have been lost: while it has a turn of the session, that is the one.
   * @throws as {@link Place.ensureHere}.
   */
  async ensure(account: string, recheck: boolean, of?: PlacedSession): Promise<PlacedRunner> {
    const isMoved = await this.#hasMoved();
    const places = [this.#here, this.#standIn];
    const [first, second] = isMoved ? places.toReversed() : places;
    const secondName = isMoved ? this.#name : standInOf(this.#name);
    if (of?.container === secondName) {
      const left = await second!.runnerOf(of.session);
      if (left) return left;
    }
    try {
      return await first!.ensureHere(account, recheck, of?.session);
    } catch (error) {
      if (!isDraining(error)) throw error;
    }
    const placed = await second!.ensureHere(account, recheck);
    await this.#storage.put(KEY, !isMoved);
    this.#isMoved = !isMoved;
    return placed;
  }

  /** Calls the object whose container takes new turns. */
  async callCurrent<Result>(work: (place: Here) => Promise<Result>): Promise<Result> {
    return work((await this.#hasMoved()) ? this.#standIn : this.#here);
  }

  get #standIn(): Here {
    return objectNamed<Here>(this.#env, "CONTAINER", standInOf(this.#name));
  }

  async #hasMoved(): Promise<boolean> {
    this.#isMoved ??= (await this.#storage.get<boolean>(KEY)) ?? false;
    return this.#isMoved;
  }
}

/** Whether a container could not be had because it drains. */
export function isDraining(error: unknown): boolean {
  const { code, details } = toWireError(error);
  return code === "container_unavailable" && details?.reason === DRAINING;
}
