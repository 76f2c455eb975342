import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import type { Authority } from "./authority.js";
import { LocalContainer, type LocalImage } from "./container.js";
import { INGRESS_PORT, Sidecar } from "./sidecar.js";

interface CreateRequest {
  Image: string;
  Cmd?: string[];
  Env?: string[];
  Labels?: Record<string, string>;
  HostConfig?: { NetworkMode?: string };
}

/** The time that the platform gives a container to end by itself, milliseconds. */
const PLATFORM_GRACE_MS = 15 * 60_000;

/** The same of Docker, seconds. */
const DOCKER_GRACE_S = 10;

/** The name that stands for the sidecar's image; nothing is ever pulled under it. */
export const SIDECAR_IMAGE = "claude-edge-sidecar:process";

/**
 * A container engine whose containers are local processes. It answers the part of the Docker Engine API that workerd
 * uses to drive containers in local development, so that a Worker's `ctx.container` code runs unchanged.
 *
 * The contract is workerd's own (`src/workerd/server/container-client.c++`), private and unversioned: workerd,
 * miniflare and wrangler are pinned exactly, and the integration tests say when it has moved. Not there: `exec` and
 * snapshots. A container that crashes stays down, as in production, not as under Docker's local restart policy.
 */
export class ProcessEngine {
  readonly #image: LocalImage;
  readonly #containers = new Map<string, LocalContainer>();
  readonly #sidecars = new Map<string, Sidecar>();
  /** By container: miniflare finds what a session left behind by its label. */
  readonly #labels = new Map<string, Record<string, string>>();
  readonly #server: Server;
  /** Made with the first container: it takes 60 ms of CPU, most of it to load pkijs. */
  #authority: Promise<Authority> | undefined;
  /** What containers are refused with, and until when. */
  #refusal = { message: "", until: 0 };

  constructor(image: LocalImage) {
    this.#image = image;
    this.#server = createServer((request, response) => {
      this.#route(request, response).catch((error: unknown) => {
        const message = error instanceof Error ? error.message : "failed";
        if (response.headersSent) response.destroy();
        else reply(response, 500, { message });
      });
    });
    // `wait` is answered when the container ends.
    this.#server.requestTimeout = 0;
  }

  async listen(socketPath: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(socketPath, resolve);
    });
  }

  /** The containers that run now. */
  get running(): { name: string; pid: number }[] {
    return [...this.#containers.values()].flatMap(({ status, name, pid }) =>
      status === "running" && pid !== undefined ? [{ name, pid }] : [],
    );
  }

  /** Ends a container, and all that runs in it, at once. */
  async kill(name: string): Promise<void> {
    await this.#containers.get(name)?.kill();
  }

  /** Ends a container as the platform does for a deployment, or when its host restarts. Resolves when it is gone. */
  async stop(name: string, graceMs: number = PLATFORM_GRACE_MS): Promise<void> {
    await this.#containers.get(name)?.stop(graceMs);
  }

  /** The same for every running container. */
  stopAll(): void {
    for (const { name } of this.running) void this.stop(name);
  }

  /** Refuses new containers for a while, with a message of the platform's. */
  refuse(message: string, ms: number): void {
    this.#refusal = { message, until: Date.now() + ms };
  }

  /** Ends every running container at once: no turn is waited for. What has not ended after `graceMs` is killed. */
  async close(graceMs = 3_000): Promise<void> {
    const containers = [...this.#containers.values()].filter(({ status }) => status === "running");
    for (const container of containers) container.signal("SIGINT");
    const timeout = new Promise((resolve) => setTimeout(resolve, graceMs).unref());
    await Promise.race([Promise.all(containers.map(({ exited }) => exited)), timeout]);
    await Promise.all(containers.map((container) => container.remove()));
    for (const sidecar of this.#sidecars.values()) sidecar.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://engine");
    if (url.pathname === "/networks/bridge") {
      const config = [{ Gateway: "127.0.0.1", Subnet: "127.0.0.0/8" }];
      return reply(response, 200, { IPAM: { Config: config } });
    }
    if (url.pathname === "/volumes") return reply(response, 200, { Volumes: [] });
    if (url.pathname === "/containers/json") return reply(response, 200, this.#list(url));
    if (url.pathname === "/containers/create") {
      const body = JSON.parse(await text(request)) as CreateRequest;
      return this.#create(url.searchParams.get("name") ?? "", body, response);
    }
    const match = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname);
    if (!match) return reply(response, 404, { message: `no route ${url.pathname}` });
    const name = decodeURIComponent(match[1]!);
    const action = request.method === "DELETE" ? "delete" : match[2];
    const sidecar = this.#sidecars.get(name);
    if (sidecar) return this.#onSidecar(name, sidecar, action, response);
    const container = this.#containers.get(name);
    if (!container) return reply(response, 404, { message: `no container ${name}` });
    if (action === "archive") {
      // workerd writes the authority's certificate into the container's disk; a process is told where it lies.
      request.resume();
      return reply(response, 200);
    }
    return this.#onContainer(container, action, url, response);
  }

  async #create(name: string, body: CreateRequest, response: ServerResponse): Promise<void> {
    if (this.#sidecars.has(name) || this.#containers.has(name)) {
      return reply(response, 409, { message: `${name} exists` });
    }
    if (body.Image === SIDECAR_IMAGE) {
      const flags = body.Cmd ?? [];
      this.#authority ??= import("./authority.js").then((made) => made.Authority.create());
      const egressPort = Number(flags[flags.indexOf("--http-egress-port") + 1]);
      const sidecar = new Sidecar(egressPort, await this.#authority);
      await sidecar.listen();
      this.#sidecars.set(name, sidecar);
    } else {
      const network = body.HostConfig?.NetworkMode?.replace(/^container:/, "") ?? "";
      const sidecar = this.#sidecars.get(network);
      if (!sidecar) return reply(response, 404, { message: `no network ${network}` });
      const { Image, Env = [] } = body;
      this.#containers.set(name, new LocalContainer(name, Image, Env, this.#image, sidecar));
    }
    this.#labels.set(name, body.Labels ?? {});
    reply(response, 201, { Id: name, Warnings: [] });
  }

  /** The running containers with a label. miniflare removes all of a session at once when it ends. */
  #list(url: URL): { Id: string; Names: string[] }[] {
    const filters = JSON.parse(url.searchParams.get("filters") ?? "{}") as { label?: string[] };
    return [...this.#labels]
      .filter(([name, labels]) => {
        if (this.#containers.get(name)?.status !== "running") return false;
        const pairs = new Set(Object.entries(labels).map((pair) => pair.join("=")));
        return (filters.label ?? []).every((label) => pairs.has(label));
      })
      .map(([name]) => ({ Id: name, Names: [`/${name}`] }));
  }

  #onSidecar(name: string, sidecar: Sidecar, action: string | undefined, response: ServerResponse) {
    if (action === "json") {
      const ports = { [INGRESS_PORT]: [{ HostIp: "127.0.0.1", HostPort: String(sidecar.port) }] };
      const state = { Status: "running" };
      return reply(response, 200, { State: state, NetworkSettings: { Ports: ports } });
    }
    if (action === "delete") {
      sidecar.close();
      this.#sidecars.delete(name);
      this.#labels.delete(name);
    }
    if (action === "wait") return reply(response, 404, { message: "gone" });
    reply(response, 204);
  }

  async #onContainer(
    container: LocalContainer,
    action: string | undefined,
    url: URL,
    response: ServerResponse,
  ): Promise<void> {
    const running = container.status === "running";
    switch (action) {
      case "json":
        return reply(response, 200, {
          State: { Status: container.status },
          Config: { Image: container.imageName },
        });
      case "start":
        if (running) return reply(response, 304);
        if (Date.now() < this.#refusal.until) container.refuse(this.#refusal.message);
        else await container.start();
        return reply(response, 204);
      case "wait": {
        if (url.searchParams.get("condition") === "removed") await container.removed;
        const code = await container.exited;
        // Of all answers workerd passes on the text of this one alone.
        const { refusal: message } = container;
        if (message !== undefined) return reply(response, 503, { message });
        return reply(response, 200, { StatusCode: code });
      }
      case "kill":
        if (!running) return reply(response, 409, { message: "not running" });
        container.signal((url.searchParams.get("signal") ?? "SIGKILL") as NodeJS.Signals);
        return reply(response, 204);
      case "stop":
        await container.stop(Number(url.searchParams.get("t") ?? DOCKER_GRACE_S) * 1_000);
        return reply(response, 204);
      case "delete":
        this.#containers.delete(container.name);
        this.#labels.delete(container.name);
        await container.remove();
        return reply(response, 204);
      default:
        return reply(response, 404, { message: `not emulated: ${action}` });
    }
  }
}

function reply(response: ServerResponse, status: number, body?: unknown): void {
  if (body === undefined) {
    response.writeHead(status).end();
    return;
  }
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
