import { DurableObject } from "cloudflare:workers";

import { EdgeError, PROTOCOL_VERSION } from "@claude-edge/protocol";
import { MODEL_HOST, RUNNER_PORT, type RunnerHealth } from "@claude-edge/protocol/runner";

import { containerCredential } from "./credential.js";
import type { Env } from "./env.js";
import type { GatewayProps } from "./gateway.js";
import { accountOf, isShared, sleepAfterMs } from "./settings.js";

/** How long a container may take until its runner answers. Field reports of cold starts go up to a minute. */
const START_TIMEOUT_MS = 90_000;

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

/** How a Worker's error says that there is no room for another container. */
const NO_ROOM = /no container instance|maximum number of running container|too many containers/i;

/**
 * Supervises one container: starts it, waits for its runner, passes requests on, lets it sleep.
 * Keeps nothing: what must last is the AccountDO's.
 */
export class ContainerDO extends DurableObject<Env> {
  #starting: Promise<RunnerHealth> | undefined;
  #health: RunnerHealth | undefined;
  #stopping: Promise<void> | undefined;
  #renewed = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
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

  /** Whether the container runs, and the boot of its runner if that answers. Starts nothing. */
  async state(): Promise<{ running: boolean; boot?: string }> {
    const { container } = this.ctx;
    if (!container?.running) return { running: false };
    const health = await probe(container);
    return health ? { running: true, boot: health.boot } : { running: container.running };
  }

  /** Ends the container whose runner has this boot: in order if it can, by force if it does not. */
  async sleep(boot: string): Promise<void> {
    this.#stopping ??= this.#stop(boot).finally(() => {
      this.#stopping = undefined;
    });
    await this.#stopping;
  }

  /** Passes a request on to the runner. */
  override async fetch(request: Request): Promise<Response> {
    const { container } = this.ctx;
    if (!container?.running) throw unavailable("The container is not running.");
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
    while (!health) {
      // One that was there may have been about to end: then another is started, once.
      if (startedHere) throw this.#startFailure ?? unavailable("The container ended at its start.");
      if (!container.running) {
        await this.#launch(container, account);
        startedHere = true;
      }
      health = await this.#untilReady(container);
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

  async #launch(container: Container, account: string): Promise<void> {
    this.#health = undefined;
    this.#renewed = 0;
    await this.#intercept(container, account);
    // Not there under every policy, and in no older runtime.
    const image = (container.images as Record<string, string> | undefined)?.[IMAGE];
    const instance = (this.env.CLAUDE_EDGE_INSTANCE ?? DEFAULT_INSTANCE) as typeof DEFAULT_INSTANCE;
    container.start({
      enableInternet: false,
      // Under the policy `durable_object` image and size are said here; under `default` they are the application's.
      ...(image === undefined ? {} : { image, instance }),
      env: {
        ...containerCredential(this.env),
        // Lets a container that runs as root use bypassPermissions.
        IS_SANDBOX: "1",
        // A spare becomes a session of the same container; here there will be no other.
        ...(isShared(this.env) ? {} : { CLAUDE_EDGE_SPARES: "0" }),
      },
    });
    this.#watch(container);
  }

  async #stop(boot: string): Promise<void> {
    const { container } = this.ctx;
    if (!container?.running || this.#starting) return;
    // Whoever asks may be late: another has taken its place. One that hangs does not answer.
    const health = await probe(container);
    if (health && health.boot !== boot) return;
    this.#health = undefined;
    container.signal(SIGTERM);
    const deadline = Date.now() + STOP_GRACE_MS;
    while (container.running && Date.now() < deadline) await scheduler.wait(PROBE_INTERVAL_MS);
    if (container.running) await container.destroy();
  }

  /** The runner's answer; undefined when the container has ended. */
  async #untilReady(container: Container): Promise<RunnerHealth | undefined> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      const health = await probe(container);
      if (health) return health;
      if (!container.running) return undefined;
      await scheduler.wait(PROBE_INTERVAL_MS);
    }
    throw unavailable(`The container's runner did not answer within ${START_TIMEOUT_MS / 1000} s.`);
  }

  #startFailure: EdgeError | undefined;

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
    this.#startFailure = undefined;
    const forget = (failure?: EdgeError) => {
      this.#health = undefined;
      this.#startFailure = failure;
    };
    const ended = container.monitor().then(
      () => forget(),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        const hint = NO_ROOM.test(reason)
          ? "There is no room for another container"
          : "The container ended";
        forget(unavailable(`${hint}: ${reason}`));
      },
    );
    this.ctx.waitUntil(ended);
  }

  async #renew(container: Container): Promise<void> {
    const now = Date.now();
    if (now - this.#renewed < RENEW_MS) return;
    this.#renewed = now;
    await container.setInactivityTimeout(sleepAfterMs(this.env));
  }
}

async function probe(container: Container): Promise<RunnerHealth | undefined> {
  try {
    const response = await container
      .getTcpPort(RUNNER_PORT)
      .fetch("http://runner/health", { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return response.ok ? await response.json<RunnerHealth>() : undefined;
  } catch {
    return undefined;
  }
}

function unavailable(message: string): EdgeError {
  return new EdgeError("container_unavailable", message);
}
