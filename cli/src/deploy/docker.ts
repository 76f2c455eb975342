import { execFile } from "node:child_process";

import type { Context } from "../context.js";

/** Docker Desktop takes one or two seconds when it has slept, milliseconds. */
const LIMIT_MS = 5_000;

/** The Docker that wrangler would use: its version, or what keeps it from working. */
export type Docker = { program: string } & (
  | { version: string; problem?: never }
  | { version?: never; problem: "missing" | "silent" }
);

/** Looks for Docker; one that has not answered when the signal aborts, or in time, is silent. */
export function findDocker(env: Context["env"], stop: AbortSignal): Promise<Docker> {
  // The variable is wrangler's own.
  const program = env.WRANGLER_DOCKER_BIN || "docker";
  const args = ["info", "--format", "{{.ServerVersion}}"];
  const signal = AbortSignal.any([stop, AbortSignal.timeout(LIMIT_MS)]);
  return new Promise((resolve) => {
    execFile(program, args, { env, signal, killSignal: "SIGKILL" }, (error, stdout) => {
      // Without its daemon it may end with 0 all the same, and names no version.
      const version = stdout.trim();
      if (!error && version !== "") resolve({ program, version });
      else resolve({ program, problem: error?.code === "ENOENT" ? "missing" : "silent" });
    });
  });
}
