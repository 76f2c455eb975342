import { parseHostPattern, type NetworkPolicy } from "@claude-edge/protocol";
import type { RunnerHealth } from "@claude-edge/protocol/runner";

import { containerCredential } from "../egress/credential.js";
import type { GatewayProps } from "../egress/gateway.js";
import type { Env } from "../env.js";
import { readCollector } from "../otlp-settings.js";
import { backgroundMs, deploymentPolicy, drainMs, ownerOf, startTimeoutMs } from "../settings.js";
import { isCapacity, messageOf, unavailable, unavailableReason } from "./failure.js";
import type { Origin } from "./origin.js";
import type { Launch } from "./places.js";
import { probe, PROBE_INTERVAL_MS, type Probe } from "./probe.js";
import type { Snapshots } from "./snapshots.js";

/** Time for the platform to assign an instance, milliseconds; probes fail until then. Its own library gives it as long. */
const INSTANCE_MS = 8_000;

/** The image's name in wrangler.jsonc, and the default instance type. */
const IMAGE = "agent";
const DEFAULT_INSTANCE = "standard-1";

/** The Worker's entrypoints used here; the project's main module exports them. */
interface WorkerExports {
  Gateway(options: { props: GatewayProps }): Fetcher;
}

/**
 * How often a container is started whose start fails before anything has run, and the first pause, milliseconds; each
 * further one is twice as long. An engine fails so while it is still removing the last container of that name.
 */
const START_TRIES = 4;
const START_PAUSE_MS = 500;

/** How long the platform is waited for to say why a container ended, milliseconds. */
const EXIT_REASON_MS = 1_000;

/** Starts a container, and waits for its runner. */
export class Starter {
  readonly #exports: WorkerExports;
  readonly #env: Env;
  readonly #name: string;
  /** The session that the container belongs to alone. */
  readonly #owner: string | undefined;
  readonly #snapshots: Snapshots;
  readonly #origin: Origin;

  constructor(ctx: DurableObjectState, env: Env, snapshots: Snapshots, origin: Origin) {
    this.#exports = ctx.exports as WorkerExports;
    this.#env = env;
    this.#name = ctx.id.name ?? "";
    this.#owner = ownerOf(this.#name);
    this.#snapshots = snapshots;
    this.#origin = origin;
  }

  /** Returns the health of the runner, whose container is started if it does not run. */
  async reach(
    container: Container,
    account: string,
  ): Promise<{ health: RunnerHealth; launch?: Launch }> {
    let health: RunnerHealth | undefined;
    let starts = 0;
    const since = Date.now();
    let fromSnapshot = false;
    let failure: string | undefined;
    while (!health) {
      if (fromSnapshot) {
        // The snapshot may have expired. It is only an optimization: start from the image.
        await this.#snapshots.forget();
        fromSnapshot = false;
        starts = 0;
      }
      // A container that was running may have been about to end, so one start is allowed.
      if (starts > 0) {
        const reason = (await exitReason(container)) ?? failure;
        if (starts === START_TRIES || !hasNotRun(reason)) {
          throw unavailable("The container ended at its start", reason, "exited");
        }
        await scheduler.wait(START_PAUSE_MS * 2 ** (starts - 1));
      }
      if (!container.running) {
        fromSnapshot = await this.#launch(container, account);
        starts += 1;
      }
      ({ health, failure } = await this.#waitUntilReady(container));
    }
    if (starts === 0) return { health };
    return { health, launch: { ms: Date.now() - since, runner: health.version, fromSnapshot } };
  }

  /** What the runner's log follows. It names its container, for whoever reads the logs of several. */
  get #logVariables(): Record<string, string> {
    const { CLAUDE_EDGE_LOG_LEVEL: level, CLAUDE_EDGE_LOG_CONTENT: content } = this.#env;
    return {
      CLAUDE_EDGE_CONTAINER_NAME: this.#name,
      ...(level ? { CLAUDE_EDGE_LOG_LEVEL: level } : {}),
      ...(content ? { CLAUDE_EDGE_LOG_CONTENT: content } : {}),
    };
  }

  /** Returns whether the container was started from a snapshot. */
  async #launch(container: Container, account: string): Promise<boolean> {
    await this.intercept(container, account);
    const image = imageOf(container);
    await this.#origin.note(image);
    const snapshot = image === undefined ? undefined : await this.#snapshots.of(image);
    const instance = (this.#env.CLAUDE_EDGE_INSTANCE ??
      DEFAULT_INSTANCE) as typeof DEFAULT_INSTANCE;
    const options: ContainerStartupOptions = {
      enableInternet: false,
      // Under the policy `durable_object`, image and size are set here; under `default`, by the application.
      ...(image === undefined ? {} : { instance }),
      ...(snapshot
        ? { containerSnapshot: { id: snapshot } }
        : image === undefined
          ? {}
          : { image }),
      env: {
        ...containerCredential(this.#env),
        // Lets a container that runs as root use bypassPermissions.
        IS_SANDBOX: "1",
        ...(readCollector(this.#env) ? { CLAUDE_EDGE_TRACES: "1" } : {}),
        CLAUDE_EDGE_DRAIN_MS: String(drainMs(this.#env)),
        ...this.#logVariables,
        CLAUDE_EDGE_BACKGROUND_MS: String(backgroundMs(this.#env)),
        // A spare becomes a session of the same container. With one session per container, it would never be used.
        ...(this.#owner === undefined ? {} : { CLAUDE_EDGE_SPARES: "0" }),
      },
    };
    try {
      container.start(options);
    } catch (error) {
      throw unavailable("The container could not be started", messageOf(error));
    }
    return snapshot !== undefined;
  }

  /** Resolves when the runner is ready, or when the container has ended. */
  async #waitUntilReady(container: Container): Promise<Probe> {
    const patienceMs = startTimeoutMs(this.#env);
    const since = Date.now();
    const deadline = since + patienceMs;
    let failure: string | undefined;
    while (Date.now() < deadline) {
      const probed = await probe(container);
      if (probed.health || !container.running) return probed;
      ({ failure } = probed);
      const isRefused = isCapacity(unavailableReason(failure ?? ""));
      // The caller waits for longer, at pauses.
      if (isRefused && Date.now() - since >= INSTANCE_MS) {
        throw unavailable("The container could not be started", failure);
      }
      await scheduler.wait(PROBE_INTERVAL_MS);
    }
    const message = `The container's runner did not answer within ${patienceMs / 1000} s`;
    throw unavailable(message, failure, "not_listening");
  }

  /** Has all HTTP and HTTPS of the container go through the gateway: what is not allowed gets an answer that says so. */
  async intercept(container: Container, account: string): Promise<void> {
    const gateway = this.#exports.Gateway({ props: { account, session: this.#owner } });
    // `*` is 80 for HTTP and 443 for HTTPS; every other port is intercepted by its number, or closed.
    const hosts = ["*", ...portsIn(deploymentPolicy(this.#env)).map((port) => `*:${port}`)];
    await Promise.all(
      hosts.flatMap((host) => [
        container.interceptOutboundHttp(host, gateway),
        container.interceptOutboundHttps(host, gateway),
      ]),
    );
  }
}

/** The ports that a policy names. The others of a deployment name no more: each is at most as wide. */
function portsIn(policy: NetworkPolicy): number[] {
  const hosts = policy.type === "limited" ? (policy.allowed_hosts ?? []) : [];
  const ports = hosts.flatMap((host) => parseHostPattern(host)?.port ?? []);
  return [...new Set(ports)].filter((port) => port !== 80 && port !== 443);
}

/**
 * Why a container has ended, if the platform says. To be asked only then: a call that waits for a container that runs
 * keeps this object in memory, and billed, for up to 15 minutes. The runtime itself knows whether it runs.
 */
async function exitReason(container: Container): Promise<string | undefined> {
  try {
    const ended = container.monitor().then(() => undefined, messageOf);
    return await Promise.race([ended, scheduler.wait(EXIT_REASON_MS).then(() => undefined)]);
  } catch {
    // An older runtime forgets it with the container.
    return undefined;
  }
}

/** Whether a container has ended without having run: its image is not to blame, and it may be started again. */
const hasNotRun = (reason: string | undefined): boolean =>
  /container failed to start/i.test(reason ?? "");

/** The image to start. Undefined under some scheduling policies and in older runtimes. */
export const imageOf = ({ images }: Container): string | undefined =>
  (images as Record<string, string> | undefined)?.[IMAGE];
