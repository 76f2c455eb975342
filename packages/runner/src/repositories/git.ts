import { spawn } from "node:child_process";

import { lowerPriority } from "../priority.js";

/** How much of the end of standard error is kept, characters. */
const STDERR_KEPT = 8_000;

/** How git is run. */
export interface GitContext {
  folder: string;
  env: Record<string, string>;
  /** By how much its priority is below the runner's. */
  niceness: number;
  /** How long a host may say nothing, milliseconds. */
  silenceMs: number;
  /** Ends it, and all that it has started. */
  signal: AbortSignal;
}

export interface GitRun {
  /** Null when it was ended by a signal. */
  code: number | null;
  stderr: string;
}

/** Settings that hold for whatever git does here: it speaks to hosts over HTTP alone. */
const SETTINGS = [
  "protocol.allow=never",
  "protocol.http.allow=always",
  "protocol.https.allow=always",
  // A pack stays one: a file each would be many checkpoints' rows.
  "fetch.unpackLimit=1",
  "advice.detachedHead=false",
];

const settings = (silenceMs: number): string[] =>
  [...SETTINGS, "http.lowSpeedLimit=1", `http.lowSpeedTime=${Math.ceil(silenceMs / 1000)}`].flatMap(
    (setting) => ["-c", setting],
  );

/** It asks nobody, speaks English, and leaves large files on their server. */
const VARIABLES = { GIT_TERMINAL_PROMPT: "0", GIT_LFS_SKIP_SMUDGE: "1", LC_ALL: "C" };

/** Runs git. @throws Error when it cannot be started; the signal's reason when that aborts. */
export async function runGit(
  args: string[],
  { folder, env, niceness, silenceMs, signal }: GitContext,
  onOutput: (chunk: Buffer) => void = () => {},
): Promise<GitRun> {
  signal.throwIfAborted();
  const child = spawn("git", [...settings(silenceMs), ...args], {
    cwd: folder,
    env: { ...env, ...VARIABLES },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: what talks to the host is a child of git's.
    detached: true,
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  signal.addEventListener("abort", kill, { once: true });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  child.stdout.on("data", onOutput);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
      lowerPriority(child.pid, niceness);
    });
    signal.throwIfAborted();
    return { code, stderr };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
