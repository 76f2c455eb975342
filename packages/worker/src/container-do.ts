import { DurableObject } from "cloudflare:workers";

import { EdgeError, PROTOCOL_VERSION } from "@claude-edge/protocol";
import { MODEL_HOST, RUNNER_PORT, type RunnerHealth } from "@claude-edge/protocol/runner";

import { unavailable } from "./container-failure.js";
import { containerCredential } from "./credential.js";
import type { Env } from "./env.js";
import type { GatewayProps } from "./gateway.js";
import {
  accountOf,
  isShared,
  MAX_INACTIVE_MS,
  SLEEP_GRACE_MS,
  sleepAfterMs,
  startTimeoutMs,
} from "./settings.js";
import { Snapshots } from "./snapshots.js";

/** A probe sent before the runner listens can stick: each is given this long. */
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_INTERVAL_MS = 50;

/** What a runner is given to end its processes, before it is ended by force. */
const STOP_GRACE_MS = 8_000;
const SIGTERM = 15;

/** What wrangler.jsonc calls the image, and the size of a container unless told otherwise. */
const IMAGE = "agent";
const DEFAULT_INSTANCE = "standard-1";

/** The inactivity timeout is renewed at most this often. */
const RENEW_MS = 30_000;

/** The Worker's own entrypoints, as far as they are used here; the project's entry exports them. */
interface WorkerExports {
  Gateway(options: { props: GatewayProps }): Fetcher;
}

/** The platform tells of a container's end a moment after it shows. */
const LAST_WORDS_MS = 1_000;

/** What is known of a container at a moment. */
export interface ContainerState {
  running: boolean;
  /** Its start is being waited for. */
  starting: boolean;
  /** The runner's answer, if it gave one. */
  health?: RunnerHealth;
}

/**
 * Supervises one container: starts it, waits for its runner, passes requests on, lets it sleep.
 * Keeps nothing that must last: that is the AccountDO's.
 */
export class ContainerDO extends DurableObject<Env> {
  #starting: Promise<RunnerHealth> | undefined;
  #health: RunnerHealth | undefined;
  #stopping: Promise<void> | undefined;
  #renewed = 0;
  readonly #snapshots: Snapshots;
  /** Resolves when the container that was started last has ended; with what the platform says of it, if that is an error. */
  #ended: Promise<string | undefined> = Promise.resolve(undefined);

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#snapshots = new Snapshots(ctx.storage, env);
    // A container outlives its Durable Object's memory; the timeout does not.
    if (ctx.container?.running) this.#adopt(ctx.container);
  }

  /**
   * Gives the runner's state, starting the container if there is none. With `doubted`, what is known of it is not
   * believed: the caller has not reached it.
   * @throws EdgeError `container_unavailable`, `agent_start_failed`, `protocol_mismatch`.
   */
  async ensure(account: string, doubted: boolean): Promise<RunnerHealth> {
    await this.#stopping;
    if (doubted) this.#health = undefined;
    if (this.#health && this.ctx.container?.running) return this.#health;
    this.#starting ??= this.#start(account).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Whether the container runs, and what its runner answers. Starts nothing. */
  async state(): Promise<ContainerState> {
    const { container } = this.ctx;
    const { health } = container?.running ? await probe(container) : {};
    const starting = this.#starting !== undefined;
    return { running: container?.running ?? false, starting, ...(health ? { health } : {}) };
  }

  /** Ends the container whose runner has this boot: in order if it can, by force if it does not. */
  async sleep(boot: string): Promise<void> {
    this.#stopping ??= this.#stop(boot).finally(() => {
      this.#stopping = undefined;
    });
    await this.#stopping;
  }

  /** Something is deleted that a snapshot may hold. */
  async forgetSnapshot(): Promise<void> {
    await this.#snapshots.forget();
  }

  /** Passes a request on to the runner. */
  override async fetch(request: Request): Promise<Response> {
    const { container } = this.ctx;
    if (!container?.running) throw unavailable("The container is not running", undefined);
    await this.#renew(container);
    return container.getTcpPort(RUNNER_PORT).fetch(request);
  }

  async #start(account: string): Promise<RunnerHealth> {
    const { container } = this.ctx;
    if (!container) {
      const message =
        "This Worker has no container: containers are missing in its wrangler.jsonc, or switched off.";
      throw new EdgeError("container_unavailable", message);
    }
    let health: RunnerHealth | undefined;
    let startedHere = false;
    let fromSnapshot = false;
    let said: string | undefined;
    while (!health) {
      if (fromSnapshot) {
        // It may have expired, and only saves time: the image will do.
        await this.#snapshots.forget();
        fromSnapshot = false;
        startedHere = false;
      }
      // One that was there may have been about to end: then another is started, once.
      if (startedHere) {
        const lastWords = await Promise.race([this.#ended, scheduler.wait(LAST_WORDS_MS)]);
        throw unavailable("The container ended at its start", lastWords ?? said, "exited");
      }
      if (!container.running) {
        fromSnapshot = await this.#launch(container, account);
        startedHere = true;
      }
      ({ health, said } = await this.#untilReady(container));
    }
    if (health.error !== undefined) throw new EdgeError("agent_start_failed", health.error);
    if (health.protocol !== PROTOCOL_VERSION) {
      const message = `The container's runner speaks protocol ${health.protocol}, this Worker ${PROTOCOL_VERSION}.`;
      throw new EdgeError("protocol_mismatch", message, { runner_version: health.version });
    }
    await this.#renew(container);
    this.#health = health;
    return health;
  }

  /** Gives whether it was started from a snapshot. */
  async #launch(container: Container, account: string): Promise<boolean> {
    this.#health = undefined;
    this.#renewed = 0;
    await this.#intercept(container, account);
    const image = imageOf(container);
    const snapshot = image === undefined ? undefined : await this.#snapshots.of(image);
    const instance = (this.env.CLAUDE_EDGE_INSTANCE ?? DEFAULT_INSTANCE) as typeof DEFAULT_INSTANCE;
    const options: ContainerStartupOptions = {
      enableInternet: false,
      // Under the policy `durable_object` image and size are said here; under `default` they are the application's.
      ...(image === undefined ? {} : { instance }),
      ...(snapshot
        ? { containerSnapshot: { id: snapshot } }
        : image === undefined
          ? {}
          : { image }),
      env: {
        ...containerCredential(this.env),
        // Lets a container that runs as root use bypassPermissions.
        IS_SANDBOX: "1",
        // A spare becomes a session of the same container; here there will be no other.
        ...(isShared(this.env) ? {} : { CLAUDE_EDGE_SPARES: "0" }),
      },
    };
    try {
      container.start(options);
    } catch (error) {
      throw unavailable("The container could not be started", messageOf(error));
    }
    this.#watch(container);
    return snapshot !== undefined;
  }

  async #stop(boot: string): Promise<void> {
    const { container } = this.ctx;
    if (!container?.running || this.#starting) return;
    // Whoever asks may be late: another has taken its place. One that hangs does not answer.
    const { health } = await probe(container);
    if (health && health.boot !== boot) return;
    this.#health = undefined;
    await this.#snapshots.take(container, imageOf(container));
    container.signal(SIGTERM);
    const deadline = Date.now() + STOP_GRACE_MS;
    while (container.running && Date.now() < deadline) await scheduler.wait(PROBE_INTERVAL_MS);
    if (container.running) await container.destroy();
  }

  /** The runner's answer; what the platform said instead when the container has ended. */
  async #untilReady(container: Container): Promise<Probe> {
    const patienceMs = startTimeoutMs(this.env);
    const deadline = Date.now() + patienceMs;
    let said: string | undefined;
    while (Date.now() < deadline) {
      const probed = await probe(container);
      if (probed.health || !container.running) return probed;
      ({ said } = probed);
      await scheduler.wait(PROBE_INTERVAL_MS);
    }
    const message = `The container's runner did not answer within ${patienceMs / 1000} s`;
    throw unavailable(message, said, "not_listening");
  }

  /** Takes over a container that is running already. */
  #adopt(container: Container): void {
    this.#watch(container);
    // In production the interception goes on by itself; local workerd forgets it when it is restarted.
    const account = accountOf(this.ctx.id.name ?? "");
    this.ctx.waitUntil(this.#intercept(container, account));
  }

  async #intercept(container: Container, account: string): Promise<void> {
    const gateway = (this.ctx.exports as WorkerExports).Gateway({ props: { account } });
    await container.interceptOutboundHttp(MODEL_HOST, gateway);
  }

  /** Notices the container's end while this object is in memory. */
  #watch(container: Container): void {
    const monitored = container.monitor().then(() => undefined, messageOf);
    this.#ended = monitored.finally(() => {
      this.#health = undefined;
    });
    this.ctx.waitUntil(this.#ended);
  }

  async #renew(container: Container): Promise<void> {
    const now = Date.now();
    if (now - this.#renewed < RENEW_MS) return;
    this.#renewed = now;
    // The account puts it to sleep before that, when its files are stored.
    const idleMs = Math.min(sleepAfterMs(this.env) + SLEEP_GRACE_MS, MAX_INACTIVE_MS);
    await container.setInactivityTimeout(idleMs);
  }
}

/** The image that a start names: not there under every policy, and in no older runtime. */
const imageOf = ({ images }: Container): string | undefined =>
  (images as Record<string, string> | undefined)?.[IMAGE];

/** A runner's answer, or how it did not come. */
interface Probe {
  health?: RunnerHealth;
  said?: string;
}

async function probe(container: Container): Promise<Probe> {
  try {
    const response = await container
      .getTcpPort(RUNNER_PORT)
      .fetch("http://runner/health", { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    // Read to its end in any case: see runner-client.ts.
    const text = await response.text();
    return response.ok
      ? { health: JSON.parse(text) as RunnerHealth }
      : { said: `GET /health answered ${response.status}` };
  } catch (error) {
    return { said: messageOf(error) };
  }
}

const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
