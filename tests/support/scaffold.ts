import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The CLI as it is built. */
export const CLI: string = fileURLToPath(new URL("../../cli/dist/bin.js", import.meta.url));

/** How this machine reaches a registry, and what it has fetched already. */
const NETWORK = [
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
  "https_proxy",
  "http_proxy",
  "no_proxy",
];

function network(): Record<string, string> {
  const set = NETWORK.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const cafile = npmSetting("cafile");
  return {
    ...Object.fromEntries(set),
    npm_config_cache: npmSetting("cache"),
    // The npm of the installed Node does not read the settings that the machine's own npm has.
    ...(cafile === "null" ? {} : { npm_config_cafile: cafile }),
    // A registry that stalls is asked again: npm itself waits for five minutes, which is longer than a test.
    npm_config_fetch_timeout: "60000",
  };
}

const npmSetting = (name: string): string =>
  spawnSync("npm", ["config", "get", name], { encoding: "utf8" }).stdout.trim();

/** A user's environment: a home of its own, this Node, and nothing of whoever runs the tests. */
export function userEnvironment(home: string, more: Record<string, string> = {}) {
  return {
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: home,
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    CI: "1",
    WRANGLER_SEND_METRICS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    ...network(),
    ...more,
  };
}

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. */
export function run(
  command: string,
  args: string[],
  options: { cwd: string; env: Record<string, string> },
): Promise<Ran> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const said = collect(child);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...said() }));
  });
}

/** The same, for what must go well: gives its standard output. */
export async function must(
  command: string,
  args: string[],
  options: Parameters<typeof run>[2],
): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
}

/** A program that goes on until it is told to stop. */
export interface Service {
  said: () => { stdout: string; stderr: string };
  ended: Promise<number | null>;
  stop: () => Promise<number | null>;
}

export function serve(
  command: string,
  args: string[],
  options: { cwd: string; env: Record<string, string> },
): Service {
  // A group of its own, which gets the signal as a terminal's would.
  const child = spawn(command, args, {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const stop = () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGINT");
    return ended;
  };
  return { said: collect(child), ended, stop };
}

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  let [stdout, stderr] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return () => ({ stdout, stderr });
}

interface Lock {
  packages: Record<string, { optionalDependencies?: Record<string, string> } & object>;
}

/**
 * Fills a lock file's holes: a registry that lacks a package for another platform leaves one, and `npm ci` refuses
 * such a file. What is filled in is for no platform, and never fetched.
 */
export function completeLock(project: string): void {
  const path = join(project, "package-lock.json");
  const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
  for (const { optionalDependencies = {} } of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      lock.packages[`node_modules/${name}`] ??= { version, optional: true, os: ["none"] } as object;
    }
  }
  writeFileSync(path, JSON.stringify(lock, undefined, 2));
}
