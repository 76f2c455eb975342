import { DurableObject } from "cloudflare:workers";

import {
  EdgeError,
  protocolProblem,
  SESSION_ID,
  type ContainerStatus,
} from "@claude-edge/protocol";
import type { LogSubject } from "@claude-edge/protocol/internal";
import {
  DRAINING,
  RUNNER_PORT,
  RUNNER_PROTOCOL,
  type ReserveSpare,
  type RunnerHealth,
  type SpareReserved,
} from "@claude-edge/protocol/runner";

import { configureLog, logger } from "../logger.js";
import { unavailable } from "./failure.js";
import { Origin } from "./origin.js";
import { Places, type Launch, type PlacedRunner, type PlacedSession } from "./places.js";
import { probe, PROBE_INTERVAL_MS, PROBE_TIMEOUT_MS, probeWork, type Work } from "./probe.js";
import { describeContainer, type ContainerState } from "./status.js";
import { eachAtMost } from "../each-at-most.js";
import type { Env } from "../env.js";
import { objectNamed } from "../objects.js";
import {
  accountOf,
  MAX_INACTIVE_MS,
  ownerOf,
  sessionName,
  SLEEP_GRACE_MS,
  sleepAfterMs,
} from "../settings.js";
import { Snapshots } from "./snapshots.js";
import { imageOf, Starter } from "./starter.js";

/** Time for a runner to end its processes before it is killed, milliseconds. */
const STOP_GRACE_MS = 8_000;
const SIGTERM = 15;

/** The inactivity timeout is renewed at most this often. */
const RENEW_MS = 30_000;

/** Attempts to store the files of a container before it sleeps anyway, and the pause between them, milliseconds. */
const MAX_STORE_TRIES = 3;
const STORE_PAUSE_MS = 5_000;

/** Sessions whose files are stored at a time. */
const STORED_AT_ONCE = 10;

/** None is begun after this, milliseconds: one may take 4 minutes, and an alarm is cut off after 15. */
const STORE_MS = 10 * 60_000;

/** An alarm that fails, or is cut off, goes on after this, milliseconds. */
const AGAIN_MS = 60_000;

/** The method of a session that is called before its container sleeps. */
interface SleepingSession {
  /** Stores the container's changes. False when that failed for now. */
  storeFiles(boot: string): Promise<boolean>;
}

/**
 * A runner that hangs is stopped after this, and looked at this often until then, milliseconds. At half a processor a
 * live one may leave some probes unanswered. A session whose turn it holds up does not wait for this.
 */
const HUNG_MS = 60_000;
const SILENCE_CHECK_MS = 10_000;

/**
 * Time for the files of a container that is replaced to be stored, and for its runner to hand over and end, milliseconds.
 * A turn waits for it. A runner that takes longer ends by itself, and another container takes the turn.
 */
const RETIRE_FILES_MS = 10_000;
const RETIRE_MS = 15_000;

/** Why a container has ended. `lost`: its runner was given up on. */
type EndReason = "idle" | "silent" | "lost" | "replaced" | "erased" | "itself";

/** A runner that answers. */
interface Ready {
  health: RunnerHealth;
  /** It is being replaced: it drains, or is not this Worker's and has work. */
  isLeaving: boolean;
  /** The container was started. */
  launch?: Launch | undefined;
}

/**
 * Supervises one container: starts it, waits for its runner, forwards requests and puts it to sleep when idle. It stores
 * nothing that must survive.
 */
export class ContainerDO extends DurableObject<Env> {
  #starting: Promise<Ready> | undefined;
  #health: RunnerHealth | undefined;
  #stopping: Promise<void> | undefined;
  #renewed = 0;
  /**
   * When the container was last requested, since this object was loaded; 0 when it was not. The runner reports its own
   * activity, and an object that is loaded for each alarm must not count that as use.
   */
  #usedAt = 0;
  #storeTries = 0;
  /** The container runs, as far as this object has seen. */
  #isUp = false;
  readonly #subject: LogSubject;
  /** Since when the alarm has found the runner silent. */
  #silentSince: number | undefined;
  /** Requests that begin work, and whose answer has yet to begin. */
  #beginning = 0;
  /** It is being looked at whether the container can be replaced: no work may begin. */
  #isRetiring = false;
  readonly #snapshots: Snapshots;
  readonly #origin: Origin;
  readonly #starter: Starter;
  readonly #places: Places<ContainerDO>;
  /** The runner that drains, once that is known. */
  #draining: string | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, configureLog(env));
    const name = ctx.id.name ?? "";
    const owner = ownerOf(name);
    const session = owner !== undefined && SESSION_ID.test(owner) ? owner : undefined;
    this.#subject = { account: accountOf(name), session, container: name };
    this.#snapshots = new Snapshots(ctx.storage, env, this.#subject);
    this.#origin = new Origin(ctx.storage);
    this.#starter = new Starter(ctx, env, this.#snapshots, this.#origin);
    this.#places = new Places(ctx.storage, env, ctx.id.name ?? "", this);
    // A container outlives its Durable Object's memory.
    if (ctx.container?.running) ctx.waitUntil(this.#adopt(ctx.container));
  }

  /**
   * Returns the runner for new turns, here or in the stand-in, starting its container if needed. `recheck`: the caller
   * could not reach the runner, so cached health is discarded. `of`: the session that it is for.
   * @throws EdgeError `container_unavailable`, `agent_start_failed`, `protocol_mismatch`.
   */
  ensure(account: string, recheck: boolean, of?: PlacedSession): Promise<PlacedRunner> {
    return this.#places.ensure(account, recheck, of);
  }

  /** Returns the runner of this object's own container. @throws as {@link ensure}. */
  async ensureHere(account: string, recheck: boolean, session?: string): Promise<PlacedRunner> {
    const { health, isLeaving, launch } = await this.#ensureReady(account, recheck);
    if (!isLeaving) return { ...this.#placed(health), ...(launch ? { launch } : {}) };
    const left = session === undefined ? undefined : await this.runnerOf(session);
    if (left) return left;
    throw unavailable("The container is being replaced", undefined, DRAINING);
  }

  /**
   * Returns the runner of this object's own container if it has a turn of the session. Starts nothing.
   * @throws Error when that cannot be known.
   */
  async runnerOf(session: string): Promise<PlacedRunner | undefined> {
    const { container } = this.ctx;
    if (!container?.running) return undefined;
    const { health } = await probe(container);
    const work = await probeWork(container);
    if (!container.running) return undefined;
    if (!health || !work) throw new Error("the runner does not answer");
    return work.busy.includes(session) ? this.#placed(health) : undefined;
  }

  #placed({ boot }: RunnerHealth): PlacedRunner {
    return { boot, container: this.ctx.id.name ?? "" };
  }

  async #ensureReady(account: string, recheck: boolean): Promise<Ready> {
    await this.#stopping;
    this.#usedAt = Date.now();
    if (recheck) this.#health = undefined;
    if (this.#health && this.ctx.container?.running) {
      return { health: this.#health, isLeaving: false };
    }
    this.#starting ??= this.#start(account).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** The container's state and its runner's health. Starts nothing. */
  async state(): Promise<ContainerState> {
    const { container } = this.ctx;
    const { health } = container?.running ? await probe(container) : {};
    const starting = this.#starting !== undefined;
    return { running: container?.running ?? false, starting, ...(health ? { health } : {}) };
  }

  /** The same, with what runs in it. */
  async stateAndWork(): Promise<ContainerState> {
    const state = await this.state();
    const { container } = this.ctx;
    const work = container && state.health ? await probeWork(container) : undefined;
    return { ...state, ...(work ? { tasks: work.tasks } : {}) };
  }

  /** The status as callers see it. `start`: starts the container if needed. @throws as {@link ensure}. */
  async status(account: string, start: boolean): Promise<ContainerStatus> {
    if (start) await this.ensure(account, true);
    return describeContainer(await this.#places.callCurrent((place) => place.stateAndWork()));
  }

  /** Reserves a spare process and returns the id for its session. Starts nothing. */
  async reserveSpare(asks: boolean): Promise<string | undefined> {
    return this.#places.callCurrent((place) => place.reserveSpareHere(asks));
  }

  /** Gives back a spare that no session was created for. */
  async releaseSpare(session: string): Promise<void> {
    await this.#places.callCurrent((place) => place.releaseSpareHere(session));
  }

  /** Reserves a spare of this object's own container. */
  async reserveSpareHere(asks: boolean): Promise<string | undefined> {
    const { container } = this.ctx;
    if (!this.#health || !container?.running || this.#stopping) return undefined;
    try {
      const response = await container
        .getTcpPort(RUNNER_PORT)
        .fetch("http://runner/spares/reserve", {
          method: "POST",
          body: JSON.stringify({ asks } satisfies ReserveSpare),
          signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
        });
      return (await response.json<SpareReserved>()).session;
    } catch {
      // A spare is only an optimization.
      return undefined;
    }
  }

  /** Gives back a spare of this object's own container. */
  async releaseSpareHere(session: string): Promise<void> {
    const { container } = this.ctx;
    if (!container?.running || this.#stopping) return;
    const response = await container
      .getTcpPort(RUNNER_PORT)
      .fetch(`http://runner/spares/${session}`, {
        method: "DELETE",
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
    await response.text();
  }

  /** Puts an idle container to sleep after storing its sessions' files, and stops one whose runner hangs. */
  override async alarm(): Promise<void> {
    const { container } = this.ctx;
    if (!container?.running) return this.#noteEnd("itself");
    await this.#armSleep(AGAIN_MS);
    if (this.#starting) return;
    try {
      await this.#sleepWhenIdle(container);
    } catch (error) {
      logger.error("container not put to sleep", { ...this.#subject, error });
    }
    // One that is being started needs it.
    if (!container.running && !this.#starting) await this.ctx.storage.deleteAlarm();
  }

  async #sleepWhenIdle(container: Container): Promise<void> {
    const { health } = await probe(container);
    const idle = await this.#idle(container);
    if (!health || !idle) return this.#onSilence(container, health?.boot);
    this.#silentSince = undefined;
    const { idleMs, withFiles } = idle;
    const leftMs = sleepAfterMs(this.env) - idleMs;
    if (leftMs > 0) {
      this.#storeTries = 0;
      return this.#armSleep(Math.max(leftMs, PROBE_TIMEOUT_MS));
    }
    const { boot } = health;
    const isStored = await this.#storeFiles(boot, withFiles);
    this.#storeTries += 1;
    if (!isStored && this.#storeTries < MAX_STORE_TRIES) {
      return this.#armSleep(STORE_PAUSE_MS);
    }
    const again = await this.#idle(container);
    if (!again || again.idleMs < sleepAfterMs(this.env)) {
      return this.#armSleep(sleepAfterMs(this.env));
    }
    if (!isStored)
      logger.error("files not stored before the container sleeps", { ...this.#subject });
    await this.sleep(boot, "idle");
  }

  /**
   * A session has learned from its log that the runner drains. The files of sessions without a turn are stored while there
   * is time: what a process that was left behind wrote since the last turn is in no checkpoint.
   */
  async onDraining(boot: string): Promise<void> {
    const { container } = this.ctx;
    if (!container?.running || this.#draining === boot) return;
    this.#draining = boot;
    if (this.#health?.boot === boot) this.#health = undefined;
    const idle = await this.#idle(container);
    if (idle) await this.#storeFiles(boot, idle.withFiles);
  }

  /** Has sessions store what the container holds of their files. Returns whether all have. */
  async #storeFiles(boot: string, sessions: string[]): Promise<boolean> {
    const account = accountOf(this.ctx.id.name ?? "");
    const deadline = Date.now() + STORE_MS;
    let isStored = true;
    await eachAtMost(STORED_AT_ONCE, sessions, async (session) => {
      const name = sessionName(account, session);
      const object = objectNamed<SleepingSession>(this.env, "SESSION", name);
      const isDone = Date.now() < deadline && (await object.storeFiles(boot).catch(() => false));
      isStored &&= isDone;
    });
    return isStored;
  }

  /** The runner did not answer, or not to everything. Without a turn in it, nothing else notices. */
  async #onSilence(container: Container, boot: string | undefined): Promise<void> {
    this.#storeTries = 0;
    this.#silentSince ??= Date.now();
    if (Date.now() - this.#silentSince >= HUNG_MS) {
      logger.error("runner does not answer", { ...this.#subject });
      this.#silentSince = undefined;
      await this.sleep(boot, "silent");
    }
    // It may have answered at the last moment.
    if (container.running) await this.#armSleep(SILENCE_CHECK_MS);
  }

  async #armSleep(ms: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + ms);
  }

  /** How long the container has been idle, and the idle sessions whose files it holds; undefined without an answer. */
  async #idle(container: Container): Promise<{ idleMs: number; withFiles: string[] } | undefined> {
    const work = await probeWork(container);
    // What has been passed on since it answered counts too.
    return work && { ...work, idleMs: Math.min(work.idleMs, Date.now() - this.#usedAt) };
  }

  /** Stops the container whose runner has this boot, or does not answer: gracefully, or by force after a timeout. */
  async sleep(boot: string | undefined, reason: EndReason = "lost"): Promise<void> {
    this.#stopping ??= this.#stop(boot, reason).finally(() => {
      this.#stopping = undefined;
    });
    await this.#stopping;
  }

  /** Deletes the snapshot: it may contain deleted data. */
  async forgetSnapshot(): Promise<void> {
    await this.#snapshots.forget();
  }

  /** Ends the container at once, without a snapshot, and deletes what is stored of it. Safe to repeat. */
  async erase(): Promise<void> {
    const { container } = this.ctx;
    if (container?.running) await container.destroy();
    // A start that was under way fails by that, or comes to a container after it.
    await this.#starting?.catch(() => {});
    if (container?.running) await container.destroy();
    this.#noteEnd("erased");
    await this.ctx.storage.deleteAll();
  }

  /** Forwards a request to the runner. */
  override async fetch(request: Request): Promise<Response> {
    const { container } = this.ctx;
    // A stop may be meant for an earlier runner, and leave this one as it is.
    const begins = beginsWork(request);
    if (begins && this.#health) await this.#stopping?.catch(() => {});
    if (!container?.running) throw unavailable("The container is not running", undefined);
    if (!begins) return this.#pass(container, request);
    // It would be lost: its sender asks for the container first, and waits for the next.
    if (this.#stopping || this.#isRetiring) {
      throw unavailable("The container is being put to sleep", undefined);
    }
    this.#usedAt = Date.now();
    this.#beginning += 1;
    try {
      return await this.#pass(container, request);
    } finally {
      this.#beginning -= 1;
    }
  }

  async #pass(container: Container, request: Request): Promise<Response> {
    await this.#renew(container);
    return container.getTcpPort(RUNNER_PORT).fetch(request);
  }

  async #start(account: string): Promise<Ready> {
    const { container } = this.ctx;
    if (!container) {
      const message =
        "This Worker has no container: containers are missing in its wrangler.jsonc, or switched off.";
      throw new EdgeError("container_unavailable", message);
    }
    // Before there is something to put to sleep: an object that is reset from here on finds it by its alarm.
    await this.#armIfUnarmed();
    this.#health = undefined;
    if (!container.running) this.#noteEnd("itself");
    let { health, launch } = await this.#reach(container, account);
    if (await this.#origin.isOutdated(health, imageOf(container))) {
      if (!(await this.#retire(container, health.boot))) return { health, isLeaving: true };
      ({ health, launch } = await this.#reach(container, account));
    }
    if (health.error !== undefined) throw new EdgeError("agent_start_failed", health.error);
    const us = { name: "Worker", protocol: RUNNER_PROTOCOL };
    const them = { name: "container's runner", protocol: health.protocol };
    const problem = protocolProblem(us, them);
    if (problem) {
      const details = { raise: problem.raise, runner_version: health.version };
      throw new EdgeError("protocol_mismatch", problem.message, details);
    }
    if (health.draining) return { health, isLeaving: true };
    this.#renewed = 0;
    await this.#renew(container);
    this.#health = health;
    this.#storeTries = 0;
    return { health, isLeaving: false, launch };
  }

  async #reach(container: Container, account: string): ReturnType<Starter["reach"]> {
    try {
      const reached = await this.#starter.reach(container, account);
      const { launch } = reached;
      this.#isUp = true;
      if (launch) {
        const { ms, runner, fromSnapshot } = launch;
        const fields = { duration_ms: ms, runner, from_snapshot: fromSnapshot };
        logger.info("container started", { ...this.#subject, ...fields });
      }
      return reached;
    } catch (error) {
      logger.warn("container not started", { ...this.#subject, error });
      throw error;
    }
  }

  /**
   * Ends an idle container, so that one of another image can be started. False when it has work, or does not end: then it
   * ends by itself when it is idle.
   */
  async #retire(container: Container, boot: string): Promise<boolean> {
    if (!(await isIdle(container))) return false;
    this.#isRetiring = true;
    try {
      // Nothing can begin from here on, and what began before shows.
      if (this.#beginning > 0) return false;
      const work = await probeWork(container);
      if (!work || !hasNone(work)) return false;
      const stored = this.#storeFiles(boot, work.withFiles);
      await Promise.race([stored, scheduler.wait(RETIRE_FILES_MS)]);
      // Once only: what has begun all the same runs to its end.
      container.signal(SIGTERM);
      await hasEnded(container, RETIRE_MS);
      if (!container.running) this.#noteEnd("replaced");
      return !container.running;
    } finally {
      this.#isRetiring = false;
    }
  }

  async #stop(boot: string | undefined, reason: EndReason): Promise<void> {
    const { container } = this.ctx;
    if (!container?.running || this.#starting) return;
    // The caller may be late, and another runner be in place. A hanging runner does not answer and is stopped.
    const { health } = await probe(container);
    if (health && health.boot !== boot) return;
    this.#health = undefined;
    const image = imageOf(container);
    // It would bring back an image that is not deployed any more.
    if (image === (await this.#origin.image())) await this.#snapshots.take(container, image);
    container.signal(SIGTERM);
    await scheduler.wait(PROBE_INTERVAL_MS);
    // The first lets running turns end. None runs, unless the runner was given up on: the second is for that.
    if (container.running) container.signal(SIGTERM);
    await hasEnded(container, STOP_GRACE_MS);
    if (container.running) await container.destroy();
    this.#noteEnd(reason);
  }

  /** Logs that the container has ended, once. */
  #noteEnd(reason: EndReason): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    logger.info("container ended", { ...this.#subject, reason });
  }

  /** Takes over a container that runs already: what was set up in memory is set up again. */
  async #adopt(container: Container): Promise<void> {
    // Interception persists in production; local workerd loses it on restart.
    const account = accountOf(this.ctx.id.name ?? "");
    this.#isUp = true;
    await Promise.all([
      this.#renew(container),
      this.#starter.intercept(container, account),
      // Without one, nobody would put it to sleep.
      this.#armIfUnarmed(),
    ]);
  }

  async #armIfUnarmed(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.#armSleep(sleepAfterMs(this.env));
  }

  async #renew(container: Container): Promise<void> {
    const now = Date.now();
    if (now - this.#renewed < RENEW_MS) return;
    this.#renewed = now;
    // A fallback: the alarm puts the container to sleep earlier, after storing its files.
    const idleMs = Math.min(sleepAfterMs(this.env) + SLEEP_GRACE_MS, MAX_INACTIVE_MS);
    await container.setInactivityTimeout(idleMs);
  }
}

/** Whether a request starts a turn or a control call, or sends what one needs. */
const beginsWork = ({ method, url }: Request): boolean =>
  method === "PUT" || new URL(url).pathname.endsWith("/control");

const hasNone = ({ idleMs, busy }: Work): boolean => idleMs > 0 && busy.length === 0;

async function isIdle(container: Container): Promise<boolean> {
  const work = await probeWork(container);
  return work !== undefined && hasNone(work);
}

/** Resolves when the container has ended, or after some time. */
async function hasEnded(container: Container, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (container.running && Date.now() < deadline) await scheduler.wait(PROBE_INTERVAL_MS);
}
