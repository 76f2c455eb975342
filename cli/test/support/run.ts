import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll } from "vitest";

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
  node?: string;
  /** Sends it a SIGINT when it aborts. */
  signal?: AbortSignal;
  /** Called with what is on standard output so far. */
  onOutput?: (child: ReturnType<typeof spawn>, stdout: string) => void;
  /** Called with what is on standard error so far. */
  onError?: (stderr: string) => void;
}

/** Runs the CLI as a process of its own, in an empty folder unless told otherwise. */
export function useCli(): {
  empty: string;
  run: (args: string[], options?: RunOptions) => Promise<Run>;
} {
  const empty = mkdtempSync(join(tmpdir(), "cli-"));
  afterAll(() => rmSync(empty, { recursive: true, force: true }));
  const run = (
    args: string[],
    {
      input,
      env = {},
      cwd = empty,
      node = process.execPath,
      onOutput,
      onError,
      signal,
    }: RunOptions = {},
  ): Promise<Run> => {
    const child = spawn(node, [BIN, ...args], {
      cwd,
      env: { PATH: process.env.PATH!, HOME: empty, NO_COLOR: "1", ...env },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    signal?.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
    let [stdout, stderr] = ["", ""];
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      onOutput?.(child, stdout);
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      onError?.(stderr);
    });
    // One that ends without reading it breaks the pipe, and may.
    child.stdin?.on("error", () => {}).end(input);
    return new Promise((resolve) => {
      child.once("close", (code) => resolve({ code, stdout, stderr }));
    });
  };
  return { empty, run };
}
