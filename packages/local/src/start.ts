import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import events from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  watch as watchFolder,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { EdgeError } from "@claude-edge/protocol";
import { unstable_startWorker as startWorker } from "wrangler";

import { findCredential } from "./credential.js";
import { assertDocker, pullSidecar } from "./engine/docker.js";
import { ProcessEngine, SIDECAR_IMAGE } from "./engine/engine.js";
import { buildImages } from "./engine/image.js";
import { STACK_MARK } from "./mark.js";
import { startScriptedModel, type ScriptedModel } from "./model/server.js";
import { readProject, type Project } from "./project.js";
import { localRootKey } from "./root-key.js";

/** How long the end of the Worker is waited for, milliseconds. It takes a third of a second, or for ever. */
const DISPOSE_MS = 5_000;

export interface LocalOptions {
  /** The project's folder: the one that holds wrangler.jsonc. */
  project: string;
  /** Port of the Worker; 0 for any free one. */
  port?: number;
  /** Address it listens on; loopback by default. */
  host?: string;
  /**
   * What containers are. `processes` (default): local processes, not isolated from this machine. `docker`: real ones,
   * of the project's Dockerfile, which is built first. `built`: the same of an image that is there, as
   * `cloudflare-dev/containerdo:<name>`, with the name of the project's package.
   */
  containers?: "processes" | "docker" | "built";
  /** Where Durable Objects and containers keep their data between starts; without it, gone with the stack. */
  persist?: string;
  /** Rebuild the Worker when its source changes. */
  watch?: boolean;
  /**
   * `auto` (default): the credential of `.dev.vars` or the environment, the scripted model without one.
   * `scripted`: the scripted model in any case. `credential`: never.
   */
  model?: "auto" | "scripted" | "credential";
  /** Pause before each word of the scripted model, milliseconds. */
  pace?: number;
  /** Variables of the Worker, before those of wrangler.jsonc. */
  vars?: Record<string, string>;
  /** Variables of the containers, beside those the Worker gives. */
  containerEnv?: Record<string, string>;
  /** Gets what Worker and containers print: of these a whole line each time. With Docker, containers' lines are Docker's. */
  onLog?: (source: "worker" | "container" | "build", text: string) => void;
}

/** A running local stack. */
export interface LocalStack {
  /** Where the Worker answers. */
  url: string;
  /** The deployment's root key: from `.dev.vars`, the environment, or made up and kept with the stack's data. */
  token: string;
  /** The scripted model; undefined when a real one is asked. */
  model: ScriptedModel | undefined;
  /** The containers that run now as local processes; those of Docker are Docker's to list. */
  containers(): { name: string; pid: number }[];
  /** Ends such a container at once, as a failing host would. */
  killContainer(name: string): Promise<void>;
  /**
   * Ends such a container as a deployment does: it is told to, and killed when it has not ended `graceMs` later, by default
   * the platform's 15 minutes. Resolves when it is gone.
   */
  stopContainer(name: string, graceMs?: number): Promise<void>;
  /** Refuses new local processes as containers for a while, with a message of the platform's. */
  refuseContainers(message: string, ms: number): void;
  /** Restarts workerd, as a deployment restarts Durable Objects: containers go on, streams break. */
  restartWorker(): Promise<void>;
  /** Stops everything and leaves nothing behind. */
  stop(): Promise<void>;
}

/**
 * Starts a project on this machine: its real Worker in workerd, its containers as local processes or in Docker, and the
 * scripted model when there is no credential. Local processes are not isolated: the agent's tools run as you.
 *
 * @throws EdgeError `project_not_found`, `package_missing`, `port_in_use`, `docker_unavailable`, `image_build_failed`,
 * `model_not_configured`.
 */
export async function startLocal(options: LocalOptions): Promise<LocalStack> {
  const project = readProject(options.project);
  const { port = 0, host = "127.0.0.1", containers = "processes" } = options;
  await assertPortFree(port, host);

  const cleanups: (() => unknown)[] = [];
  const stop = once(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  });
  try {
    const temp = mkdtempSync(join(tmpdir(), "claude-edge-"));
    cleanups.push(() => rmSync(temp, { recursive: true, force: true }));
    cleanups.push(watchOver(temp));

    const credential =
      options.model === "scripted" ? undefined : findCredential(project.vars, process.env);
    if (!credential && options.model === "credential") {
      throw new EdgeError("model_not_configured", "There is no model credential.");
    }
    const model = credential ? undefined : await startScriptedModel({ pace: options.pace ?? 0 });
    if (model) cleanups.push(() => model.close());

    if (containers !== "processes") await assertDocker();
    if (containers === "built") await pullSidecar();
    if (containers === "docker") {
      await buildImages(project.configPath, (text) => options.onLog?.("build", text));
    }
    const engine =
      containers === "processes"
        ? new ProcessEngine(localImage(project, temp, options))
        : undefined;
    if (engine) {
      await engine.listen(join(temp, "engine.sock"));
      cleanups.push(() => engine.close());
      if (options.watch) cleanups.push(restartOnAgentChange(project, engine, options));
    }

    const token =
      project.vars.CLAUDE_EDGE_ROOT_KEY ??
      process.env.CLAUDE_EDGE_ROOT_KEY ??
      localRootKey(options.persist);
    const { CLAUDE_EDGE_ROOT_KEY_OLD: oldKey } = process.env;
    const secrets = {
      ...(credential ?? { ANTHROPIC_API_KEY: model!.key, ANTHROPIC_BASE_URL: model!.url }),
      CLAUDE_EDGE_ROOT_KEY: token,
      ...(oldKey ? { CLAUDE_EDGE_ROOT_KEY_OLD: oldKey } : {}),
    };
    const { worker, restart } = await startProjectWorker(
      project,
      engineConfig(containers, project, temp),
      { persist: temp, ...options, port, host },
      secrets,
    );
    cleanups.push(() => disposed(worker));
    const url = (await worker.url).origin;
    // wrangler holds requests back until the image has its name; any answer will do.
    if (containers === "docker") await fetch(url);
    return {
      url,
      token,
      model,
      containers: () => engine?.running ?? [],
      killContainer: async (name) => engine?.kill(name),
      stopContainer: async (name, graceMs) => engine?.stop(name, graceMs),
      refuseContainers: (message, ms) => engine?.refuse(message, ms),
      restartWorker: restart,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the Worker drives its containers with. */
function engineConfig(
  containers: NonNullable<LocalOptions["containers"]>,
  project: Project,
  temp: string,
) {
  if (containers === "docker") return { containerBuildId: project.name };
  const build = { dockerPath: noDocker(temp), containerBuildId: project.name };
  if (containers === "built") return build;
  const localDocker = {
    socketPath: `unix://${join(temp, "engine.sock")}`,
    containerEgressInterceptorImage: SIDECAR_IMAGE,
  };
  // The type says string; miniflare takes the whole description, and so does wrangler's own config.
  return { ...build, containerEngine: { localDocker } as unknown as string };
}

/**
 * Ends the Worker, or gives up: wrangler waits for ever for a workerd that has ended while it was being set up, as at a
 * Ctrl-C just after the start, which workerd gets too.
 */
async function disposed(worker: { dispose(): Promise<void> }): Promise<void> {
  const timeout = new Promise((resolve) => setTimeout(resolve, DISPOSE_MS).unref());
  await Promise.race([worker.dispose(), timeout]);
}

async function startProjectWorker(
  project: Project,
  engine: ReturnType<typeof engineConfig>,
  {
    persist,
    port,
    host,
    watch = false,
    vars = {},
    onLog,
  }: LocalOptions & { persist: string; port: number; host: string },
  secrets: Record<string, string>,
) {
  // Otherwise every start looks up where it is in the world, and warns when there is no network.
  process.env.CLOUDFLARE_CF_FETCH_ENABLED ??= "false";
  // wrangler's explorer answers on the Worker's own port, to whoever says `Host: localhost`: SQL on every account's
  // storage, without a key. Its other half records every request.
  process.env.X_LOCAL_EXPLORER ??= "false";
  process.env.X_LOCAL_OBSERVABILITY ??= "false";
  const bindings = (more: Record<string, string> = {}) => ({
    ...toBindings("plain_text", { ...vars, ...more }),
    ...toBindings("secret_text", secrets),
  });
  const keepSignals = withoutNewSignalHandlers();
  const worker = await startWorker({
    config: project.configPath,
    bindings: bindings(),
    dev: {
      server: { hostname: host, port },
      inspector: false,
      watch,
      // A Worker that does not build must say so; where nobody watches, the caller gets the error.
      logLevel: watch ? "error" : "none",
      persist: join(persist, "state"),
      enableContainers: true,
      ...engine,
      structuredLogsHandler: ({ message }: { message: string }) =>
        onLog?.("worker", `${message}\n`),
    },
  });
  await worker.ready;
  keepSignals();
  let restarts = 0;
  const restart = async () => {
    // wrangler restarts workerd when a binding changes, and only then. `patchConfig` resolves before it does: until the
    // reload is complete a request may still reach the old workerd, and its stream is cut.
    restarts += 1;
    const reloaded = events.once(worker.raw, "reloadComplete");
    await worker.patchConfig({ bindings: bindings({ CLAUDE_EDGE_RESTARTS: String(restarts) }) });
    await reloaded;
  };
  return { worker, restart };
}

/**
 * miniflare ends the process at SIGINT, SIGTERM and SIGHUP. That is for the caller to decide, who has a stack to stop
 * in order; should the process end all the same, the guardian clears up. Call before it starts, and the result after.
 */
function withoutNewSignalHandlers(): () => void {
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  const before = signals.map((signal) => new Set(process.listeners(signal)));
  return () => {
    for (const [index, signal] of signals.entries()) {
      for (const listener of process.listeners(signal)) {
        if (!before[index]!.has(listener)) process.removeListener(signal, listener);
      }
    }
  };
}

function toBindings<Type extends "plain_text" | "secret_text">(
  type: Type,
  values: Record<string, string>,
) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { type, value }]));
}

/** wrangler runs `docker info`, `build` and `pull` before it starts; where there is nothing to build, all succeed. */
function noDocker(temp: string): string {
  const path = join(temp, "docker");
  // `build` is sent the Dockerfile on standard input and would fail on a closed pipe.
  writeFileSync(path, '#!/bin/sh\n[ "$1" = build ] && cat >/dev/null\nexit 0\n');
  chmodSync(path, 0o755);
  return path;
}

/** A container has its agent from when it started: a changed one ends the containers, and sessions go on in new ones. */
function restartOnAgentChange(
  { folder }: Project,
  engine: ProcessEngine,
  { onLog }: LocalOptions,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const restart = (name: string) => {
    clearTimeout(timer);
    // An editor writes in several steps.
    timer = setTimeout(() => {
      onLog?.("container", `${name} has changed: containers start anew\n`);
      engine.stopAll();
    }, 200);
  };
  const watchers = [
    watchFolder(folder, (_event, name) => {
      if (name?.startsWith("agent.config.")) restart(name);
    }),
  ];
  const files = join(folder, ".claude");
  if (existsSync(files)) {
    watchers.push(watchFolder(files, { recursive: true }, () => restart(".claude")));
  }
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

function localImage(
  project: Project,
  temp: string,
  { persist, containerEnv, onLog }: LocalOptions,
) {
  const disks = join(persist ?? temp, "disks");
  mkdirSync(disks, { recursive: true });
  return {
    command: process.execPath,
    args: [project.runner, project.folder],
    cwd: project.folder,
    // Nothing of this process's environment but what every container image has too: no key gets in that way.
    env: {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      LANG: process.env.LANG ?? "C.UTF-8",
      [STACK_MARK]: process.env[STACK_MARK] ?? "",
      // This machine is not theirs alone: agents would stand behind everything else on it.
      CLAUDE_EDGE_NICENESS: "0",
      ...containerEnv,
    },
    disks,
    sockets: temp,
    onOutput: (text: string) => onLog?.("container", text),
  };
}

/** Starts the guardian; the function it gives calls it off. */
function watchOver(temp: string): () => Promise<void> {
  // One mark for the process: workerd inherits it from here.
  const mark = (process.env[STACK_MARK] ??= randomUUID());
  const { [STACK_MARK]: _mark, ...env } = process.env;
  const guardian = spawn(
    process.execPath,
    [fileURLToPath(new URL("guardian.js", import.meta.url)), mark, temp],
    { stdio: ["pipe", "ignore", "ignore"], detached: true, env },
  );
  guardian.unref();
  return () =>
    new Promise((resolve) => {
      if (guardian.exitCode !== null) return resolve();
      guardian.ref();
      guardian.once("exit", () => resolve());
      guardian.kill("SIGKILL");
    });
}

async function assertPortFree(port: number, host: string): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === "EADDRINUSE" ? "is in use" : `cannot be used (${cause.code})`;
      reject(new EdgeError("port_in_use", `Port ${port} ${reason}.`, { port }, cause));
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= action());
}
