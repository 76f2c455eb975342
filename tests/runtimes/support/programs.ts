import { execFile, spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** How long a program may take to end once it is asked to, milliseconds. */
const GRACE_MS = 5_000;

const running = new Set<ChildProcess>();

// Whatever ends this process, nothing it started outlives it.
process.on("exit", () => {
  for (const child of running) kill(child, "SIGKILL");
});

interface Circumstances {
  folder: string;
  /** Ends it. */
  signal: AbortSignal;
  env?: Record<string, string>;
  stdio: StdioOptions;
}

/** Starts a program in a group of its own, with a home of its own and nothing of this process's environment but PATH. */
export function start(
  command: string,
  args: string[],
  { folder, signal, env, stdio }: Circumstances,
): ChildProcess {
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: folder, LANG: "C.UTF-8", ...env },
    stdio,
    detached: true,
  });
  running.add(child);
  signal.addEventListener("abort", () => void end(child), { once: true });
  return child;
}

/** Resolves with how a program ended. @throws when it cannot be started. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.signalCode ?? child.exitCode!;
}

/** Ends a program and its children. */
export async function end(child: ChildProcess): Promise<void> {
  const exit = ended(child).catch(() => {});
  kill(child, "SIGTERM");
  await Promise.race([exit, sleep(GRACE_MS, undefined, { ref: false })]);
  kill(child, "SIGKILL");
  await exit;
  running.delete(child);
}

function kill({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // None of the group is left.
  }
}

/** What a program says its version is. @throws when it does not start. */
export async function versionOf(command: string, folder: string): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: folder, LANG: "C.UTF-8" };
  const said = await output(command, ["--version"], env);
  return /\d+[.-][\d.-]+/.exec(said)?.[0] ?? said;
}

/** What a program that ends by itself prints. @throws with what it complains of. */
export async function output(command: string, args: string[], env = process.env): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { env, maxBuffer: 2 ** 24 });
  return stdout.trim();
}
