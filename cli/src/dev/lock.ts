import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { EdgeError } from "@claude-edge/protocol/errors";

import { DATA_FOLDER, isAlive } from "../target/dev-file.js";

/**
 * Takes the project before anything is started for it: starting takes seconds, and one that is stopped again breaks the
 * other. Gives what lets go of it. @throws EdgeError `dev_running`.
 */
export function claim(project: string): () => void {
  const path = join(project, DATA_FOLDER, "dev.lock");
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
  } catch {
    const pid = Number(readFileSync(path, "utf8"));
    if (isAlive(pid)) {
      const message = `claude-edge dev is being started for ${project} already: process ${pid}.`;
      throw new EdgeError("dev_running", message);
    }
    // Left behind by one that was killed.
    writeFileSync(path, String(process.pid));
  }
  return () => rmSync(path, { force: true });
}
