import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll } from "vitest";

import { bareEnvironment, inputOf, Output, start } from "./world.js";

export const BIN: string = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Interrupts it, as Ctrl-C does, when it aborts. */
  signal?: AbortSignal;
  /** Called with what is on standard output so far. */
  onOutput?: (stdout: string) => unknown;
  /** Called with what is on standard error so far. */
  onError?: (stderr: string) => unknown;
}

type Runs = (args: string[], options?: RunOptions) => Promise<Run>;

/** Runs the CLI, in an empty folder unless told otherwise. */
export function useCli(): {
  empty: string;
  /** In this process, from its sources. */
  run: Runs;
  /** As a process of its own, from its bundle: for signals, pipes, and what else a process alone shows. */
  runProcess: Runs;
  /** Starts such a process, with pipes for its streams. */
  spawnCli: (args: string[], options?: Pick<RunOptions, "cwd" | "env">) => ChildProcess;
} {
  const empty = mkdtempSync(join(tmpdir(), "cli-"));
  afterAll(() => rmSync(empty, { recursive: true, force: true }));
  const environment = (env = {}) => ({ ...bareEnvironment(empty), NO_COLOR: "1", ...env });

  const run: Runs = async (args, { input, env, cwd = empty, onOutput, onError, signal } = {}) => {
    const [stdout, stderr] = [new Output(onOutput), new Output(onError)];
    const { ended, interrupt } = start(args, {
      stdin: inputOf(input),
      stdout,
      stderr,
      env: environment(env),
      cwd,
      isPiped: input !== undefined,
    });
    signal?.addEventListener("abort", interrupt, { once: true });
    const code = await ended;
    return { code, stdout: stdout.text, stderr: stderr.text };
  };

  const spawnCli = (
    args: string[],
    { cwd = empty, env, hasInput = true }: RunOptions & { hasInput?: boolean } = {},
  ) =>
    spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: environment(env),
      stdio: [hasInput ? "pipe" : "ignore", "pipe", "pipe"],
    });

  const runProcess: Runs = (args, { input, onOutput, onError, signal, ...options } = {}) => {
    const child = spawnCli(args, { ...options, hasInput: input !== undefined });
    signal?.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
    const [stdout, stderr] = [new Output(onOutput), new Output(onError)];
    child.stdout!.pipe(stdout);
    child.stderr!.pipe(stderr);
    // One that ends without reading it breaks the pipe, and may.
    child.stdin?.on("error", () => {}).end(input);
    return new Promise((resolve) => {
      child.once("close", (code) => resolve({ code, stdout: stdout.text, stderr: stderr.text }));
    });
  };
  return { empty, run, runProcess, spawnCli };
}
