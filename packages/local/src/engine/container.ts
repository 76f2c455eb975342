import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { CONTAINER_MARK, killMarked } from "@claude-edge/runner/processes";

import { EgressProxy } from "./egress.js";
import type { Sidecar } from "./sidecar.js";

/** How a container is run as a local process. */
export interface LocalImage {
  command: string;
  args: string[];
  cwd: string;
  /** Variables beside those the Worker gives. */
  env: Record<string, string>;
  /** Where containers have their disks. */
  disks: string;
  /** Where their sockets are: a short path, for a Unix socket's has 108 bytes at the most. */
  sockets: string;
  /** Gets what the process prints, line by line. */
  onOutput?: (text: string) => void;
}

/** A container as a local process: started once, with an empty disk, gone with everything it started. */
export class LocalContainer {
  readonly name: string;
  readonly imageName: string;
  readonly #image: LocalImage;
  readonly #sidecar: Sidecar;
  readonly #env: string[];
  readonly #id = randomUUID();
  readonly #exited = Promise.withResolvers<number>();
  readonly #removed = Promise.withResolvers<void>();
  #started: Promise<void> | undefined;
  #process: ChildProcess | undefined;
  #proxy: EgressProxy | undefined;
  status: "created" | "running" | "exited" = "created";
  /** The platform's message, of one that was refused. */
  refusal: string | undefined;

  constructor(name: string, imageName: string, env: string[], image: LocalImage, sidecar: Sidecar) {
    this.name = name;
    this.imageName = imageName;
    this.#env = env;
    this.#image = image;
    this.#sidecar = sidecar;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves with the exit code. */
  get exited(): Promise<number> {
    return this.#exited.promise;
  }

  get removed(): Promise<void> {
    return this.#removed.promise;
  }

  /** Starts it, once: an object that was reset while it started a container asks for it again. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    const image = this.#image;
    const short = createHash("sha256").update(this.name).digest("hex").slice(0, 12);
    const disk = join(image.disks, short);
    const socket = join(image.sockets, `${short}.sock`);
    await Promise.all([rm(disk, { recursive: true, force: true }), rm(socket, { force: true })]);
    await mkdir(join(disk, "home"), { recursive: true });
    const authority = join(disk, "authority.pem");
    await writeFile(authority, this.#sidecar.authority.certificate);
    this.#proxy = new EgressProxy(() => this.#sidecar.egress, this.#sidecar.authority);
    const proxyUrl = await this.#proxy.listen();
    const child = spawn(image.command, image.args, {
      cwd: image.cwd,
      env: {
        ...image.env,
        ...Object.fromEntries(this.#env.map((pair) => splitOnce(pair))),
        HOME: join(disk, "home"),
        PORT: socket,
        CLAUDE_EDGE_WORKSPACES: join(disk, "workspace"),
        CLAUDE_EDGE_STATE: join(disk, "state"),
        CLAUDE_EDGE_CA_FILE: authority,
        ...proxyVariables(proxyUrl),
        [CONTAINER_MARK]: this.#id,
      },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: Ctrl-C in the terminal reaches the stack, which ends its containers in order.
      detached: true,
    });
    this.#process = child;
    // By lines: what a container writes to its two streams would be mixed within them.
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => image.onOutput?.(`${line}\n`));
    }
    this.#sidecar.target = socket;
    this.status = "running";
    child.on("exit", (code, signal) => this.#onExit(code ?? (signal === "SIGKILL" ? 137 : 143)));
    child.on("error", () => this.#onExit(127));
  }

  /** Ends before it has begun, as when the platform has none. */
  refuse(message: string): void {
    this.refusal = message;
    this.status = "exited";
    this.#exited.resolve(1);
  }

  /** Sends a signal to the container's first process. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it as the platform does: it is told to, and killed when it has not ended by then. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    if (this.status !== "running") return;
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    timer.unref();
    await this.exited;
    clearTimeout(timer);
  }

  /** Ends it and all it started, at once. */
  async kill(): Promise<void> {
    // One that is being made would have its process afterwards.
    await this.#started?.catch(() => {});
    if (this.status === "created") return;
    if (this.status === "running") this.#process?.kill("SIGKILL");
    await this.exited;
  }

  async remove(): Promise<void> {
    await this.kill();
    this.#removed.resolve();
  }

  #onExit(code: number): void {
    if (this.status === "exited") return;
    this.status = "exited";
    this.#proxy?.close();
    // As a container's end takes every process in it along.
    void killMarked({ [CONTAINER_MARK]: this.#id }).then(() => this.#exited.resolve(code));
  }
}

/** In both spellings: curl takes `http_proxy` in lower case only, others look for either. Node heeds them if told to. */
function proxyVariables(url: string): Record<string, string> {
  const own = "localhost,127.0.0.1,::1";
  const variables = { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: own };
  const lower = Object.entries(variables).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...variables, ...Object.fromEntries(lower), NODE_USE_ENV_PROXY: "1" };
}

function splitOnce(pair: string): [string, string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}
