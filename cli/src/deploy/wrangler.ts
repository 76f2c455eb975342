import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

import { EdgeError } from "@claude-edge/protocol/errors";

import { stopped, temporaryFolderOf, type Context } from "../context.js";
import { needPackage } from "../project/packages.js";
import type { Project } from "../project/project.js";

export interface WranglerOptions {
  /** Goes to its standard input: the way for secrets, since arguments can be read by others. */
  input?: string;
  /**
   * `kept`, the default: it is given back. `stderr`: it goes there as it comes, and wrangler may ask in the terminal.
   * A function reads its standard output, and standard error goes on to ours.
   */
  output?: "kept" | "stderr" | ((stdout: Readable) => Promise<void>);
}

export interface WranglerRun {
  code: number | null;
  /** Empty unless it was kept. */
  stdout: string;
  /** Empty unless it was kept. */
  stderr: string;
  /** What it says of itself, for programs: https://developers.cloudflare.com/workers/wrangler/system-environment-variables */
  records: WranglerRecord[];
}

export interface WranglerRecord {
  type: string;
  message?: string;
  worker_name?: string | null;
  version_id?: string | null;
  targets?: string[];
}

/** Runs the project's own wrangler. @throws EdgeError `package_missing`; `aborted` after Ctrl-C, which it gets too. */
export async function runWrangler(
  project: Project,
  args: string[],
  { input, output = "kept" }: WranglerOptions,
  context: Context,
): Promise<WranglerRun> {
  const { env, signal } = context;
  const { folder, bin } = needPackage(project, "wrangler");
  const temp = mkdtempSync(join(temporaryFolderOf(context), "claude-edge-"));
  const report = join(temp, "wrangler.ndjson");
  try {
    // The process's own streams go on to it as they are: it asks where it has a terminal.
    const inherited = output === "stderr" ? (context.stdin.fd ?? "ignore") : "ignore";
    const reads = typeof output === "function" ? output : undefined;
    const shown = output === "stderr" ? context.stderr : undefined;
    const shownError = output === "kept" ? undefined : context.stderr;
    const child = spawn(process.execPath, [join(folder, bin!.wrangler!), ...args], {
      cwd: project.folder,
      env: { ...env, WRANGLER_OUTPUT_FILE_PATH: report, WRANGLER_HIDE_BANNER: "true" },
      stdio: [
        input === undefined ? inherited : "pipe",
        shown?.fd ?? "pipe",
        shownError?.fd ?? "pipe",
      ],
    });
    if (shown) child.stdout?.pipe(shown, { end: false });
    if (shownError) child.stderr?.pipe(shownError, { end: false });
    const stop = () => child.kill("SIGINT");
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    // It may end without having read.
    child.stdin?.on("error", () => {}).end(input);
    const closed = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    const [code, out, err] = await Promise.all([
      closed,
      shown || !child.stdout ? "" : reads ? reads(child.stdout).then(() => "") : text(child.stdout),
      shownError || !child.stderr ? "" : text(child.stderr),
    ]).finally(() => signal.removeEventListener("abort", stop));
    if (signal.aborted) throw stopped();
    return { code, stdout: out, stderr: err, records: recordsOf(report) };
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}

function recordsOf(path: string): WranglerRecord[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as WranglerRecord);
}

/**
 * What a failed run comes to; its own words go to standard error unless they were shown.
 * @throws EdgeError `cloudflare_login`, `wrangler_failed`.
 */
export async function throwFailure(
  command: string,
  { stdout, stderr }: WranglerRun,
  project: Project,
  context: Context,
): Promise<never> {
  context.stderr.write(`${stdout}${stderr}`);
  await assertLoggedIn(project, context);
  throw new EdgeError("wrangler_failed", `wrangler ${command} failed.`);
}

/** @throws EdgeError `cloudflare_login`. */
export async function assertLoggedIn(project: Project, context: Context): Promise<void> {
  // wrangler takes these without a login; whether they are good shows when they are used.
  if (context.env.CLOUDFLARE_API_TOKEN || context.env.CLOUDFLARE_API_KEY) return;
  const { code } = await runWrangler(project, ["whoami", "--json"], {}, context);
  if (code !== 0) throw new EdgeError("cloudflare_login", "wrangler is not logged in.");
}
