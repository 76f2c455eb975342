import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { EdgeError } from "@claude-edge/protocol/errors";

import { entriesOf } from "../logs/entries.js";
import { needPackage } from "../project/packages.js";
import { assertFolder, findProject } from "../project/project.js";

type Local = typeof import("@claude-edge/local");

/**
 * The project's own local stack: its version belongs to the project, and this program stays small.
 * @throws EdgeError `project_not_found`, `package_missing`.
 */
export async function loadLocal(project: string): Promise<Local> {
  assertFolder(project);
  findProject(project, project);
  const { folder } = needPackage({ folder: project }, "@claude-edge/local");
  return (await import(pathToFileURL(join(folder, "dist", "index.js")).href)) as Local;
}

/** @throws EdgeError `usage`. */
export function portOf(text: string): number {
  const port = Number(text);
  if (text.trim() !== "" && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new EdgeError("usage", `--port: ${text} is not a port.`);
}

/** Writes what Worker and containers print as entries of a log, one JSON object a line. */
export const logTo =
  (stream: { write: (text: string) => unknown }) =>
  (source: string, text: string): void => {
    for (const entry of entriesOf(source, text)) stream.write(`${JSON.stringify(entry)}\n`);
  };

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
