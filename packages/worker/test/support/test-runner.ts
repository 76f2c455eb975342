import { vi } from "vitest";

import type { Env } from "../../src/env.js";
import { VERSION } from "../../src/version.js";
import { openStorage } from "./storage.js";
import { likeWorkerd } from "./workerd.js";

likeWorkerd();

vi.mock("cloudflare:workers", () => import("./cloudflare-workers.js"));

const { ContainerDO } = await import("../../src/container/container-do.js");

export const SLEEP_MS = 60_000;

/** A container whose runner is idle, and what its object and its session were asked. */
export class TestRunner {
  readonly storage = openStorage();
  readonly requests: string[] = [];
  readonly signals: number[] = [];
  /** How long it may be inactive, as often as that was set. */
  readonly timeouts: number[] = [];
  idleMs = 1e9;
  isRunning = true;
  /** What else its health says, and that of the runner of the next start, which is this Worker's. */
  health: object = {};
  nextHealth: object = {};
  /** The sessions with a turn in it. */
  busy: string[] = [];
  /** The image that the deployment has. */
  image: string | undefined;
  /** The signal that it ends at. */
  endsAt = 1;
  /** Called before the runner answers. */
  beforeAnswer: (path: string) => void | Promise<void> = () => {};
  storeFiles: (session: string) => Promise<boolean> = () => Promise.resolve(true);
  /** The sessions whose files it holds. */
  sessions = ["s"];
  /** How often it was waited for to end. */
  monitored = 0;
  /** How often it has been started, how many of the next starts fail before anything runs, and what the platform says. */
  starts = 0;
  failingStarts = 0;
  exitReason = "Container failed to start";
  snapshots = 0;
  /** Called when it is told to end. */
  onSignal: () => void = () => {};

  readonly object = new ContainerDO(
    {
      id: { name: "ada" },
      storage: this.storage,
      exports: { Gateway: () => ({}) },
      waitUntil: (work: Promise<unknown>) => void work,
      container: this.#container(),
    } as unknown as DurableObjectState,
    {
      CLAUDE_EDGE_SLEEP_AFTER: "1m",
      CLAUDE_EDGE_SNAPSHOTS: "true",
      SESSION: { getByName: (name: string) => ({ storeFiles: () => this.storeFiles(name) }) },
      CONTAINER: {
        getByName: () => ({
          ensureHere: async () => ({ boot: "b2", container: "ada/2" }),
          runnerOf: async () => undefined,
        }),
      },
    } as unknown as Env,
  );

  pass(method: string, path: string): Promise<Response> {
    return this.object.fetch(new Request(`http://runner${path}`, { method }));
  }

  #container() {
    const isRunning = () => this.isRunning;
    const imagesNow = () => this.image && { agent: this.image };
    return {
      get running() {
        return isRunning();
      },
      get images() {
        return imagesNow();
      },
      start: () => {
        this.starts += 1;
        this.signals.length = 0;
        this.health = this.nextHealth;
        this.isRunning = this.failingStarts === 0;
        if (!this.isRunning) this.failingStarts -= 1;
      },
      monitor: () => {
        this.monitored += 1;
        return this.isRunning ? new Promise(() => {}) : Promise.reject(new Error(this.exitReason));
      },
      snapshotContainer: async () => ({ id: String((this.snapshots += 1)) }),
      interceptOutboundHttp: async () => {},
      interceptOutboundHttps: async () => {},
      setInactivityTimeout: async (ms: number) => void this.timeouts.push(ms),
      signal: (signal: number) => {
        this.onSignal();
        this.signals.push(signal);
        this.isRunning = this.signals.length < this.endsAt;
      },
      getTcpPort: () => ({ fetch: (request: Request | string) => this.#answer(request) }),
    };
  }

  async #answer(request: Request | string): Promise<Response> {
    const { pathname } = new URL(typeof request === "string" ? request : request.url);
    this.requests.push(pathname);
    await Promise.resolve();
    await this.beforeAnswer(pathname);
    if (!this.isRunning) throw new Error("The container is not running.");
    if (pathname === "/health") {
      return Response.json({ boot: "b", version: VERSION, protocol: 1, ...this.health });
    }
    if (pathname !== "/sessions") return Response.json({});
    const sessions = this.sessions.map((id) => ({
      id,
      busy: this.busy.includes(id),
      has_files: true,
    }));
    return Response.json({ sessions, idle_ms: this.busy.length > 0 ? 0 : this.idleMs });
  }
}
