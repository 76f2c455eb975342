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
  { input = "", env = {}, timeout = 20_000 }: RunOptions = {},
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
  runNode(["node_modules/typescript/bin/tsc", "--project", project], { timeout: 60_000 });

/** Two at a time, for the machines have two cores: gives each its turn in one of two rows. */
export function inTwoRows(): <Value>(work: () => Promise<Value>) => Promise<Value> {
  const rows: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
  let count = 0;
  return (work) => {
    const row = count++ % rows.length;
    const done = rows[row]!.then(work);
    rows[row] = done.catch(() => {});
    return done;
  };
}
