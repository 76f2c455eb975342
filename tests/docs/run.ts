import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** What became of a process. */
export interface Ran {
  code: number | null;
  /** What it printed, errors included. */
  printed: string;
}

interface RunOptions {
  /** Given on standard input. */
  input?: string;
  env?: Record<string, string>;
  /** Killed after this long, milliseconds. */
  timeout?: number;
}

/** Runs this Node in the repository's folder. */
export async function runNode(
  args: string[],
  { input = "", env = {}, timeout = 110_000 }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: "pipe",
    timeout,
    killSignal: "SIGKILL",
  });
  // One that ends before it has read its program says so by its code.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, printed: out + err };
}

/** Type-checks a project. */
export const typeCheck = (project: string): Promise<Ran> =>
  runNode(["node_modules/typescript/bin/tsc", "--project", project]);
