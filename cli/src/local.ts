import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { EdgeError } from "@claude-edge/protocol/errors";

type Local = typeof import("@claude-edge/local");

/**
 * The project's own local stack: its version belongs to the project, and this program stays small.
 * @throws EdgeError `project_not_found`, `package_missing`.
 */
export async function loadLocal(project: string): Promise<Local> {
  let path: string;
  if (!existsSync(project))
    throw new EdgeError("project_not_found", `There is no folder ${project}.`);
  try {
    path = createRequire(join(project, "package.json")).resolve("@claude-edge/local/package.json");
  } catch (cause) {
    const message = `@claude-edge/local is not installed in ${project}.`;
    throw new EdgeError("package_missing", message, undefined, cause);
  }
  return (await import(pathToFileURL(join(dirname(path), "dist", "index.js")).href)) as Local;
}

/** @throws EdgeError `usage`. */
export function portOf(text: string): number {
  const port = Number(text);
  if (text.trim() !== "" && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new EdgeError("usage", `--port: ${text} is not a port.`);
}

/** Says before each line where it comes from. */
export const logTo =
  (stream: { write: (text: string) => unknown }) =>
  (source: string, text: string): void =>
    void stream.write(text.replace(/^(?=.)/gm, `[${source}] `));

export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
}

/** Throws what was thrown on; after Ctrl-C, which `docker build` gets too, that is no failure of its own. */
export const unlessStopped =
  (signal: AbortSignal) =>
  (error: unknown): never => {
    throw signal.aborted ? new EdgeError("aborted", "Stopped.", undefined, error) : error;
  };
