import { renameSync, rmSync, writeFileSync } from "node:fs";

/** Writes a file that holds a secret: for its owner's eyes, and whole or not at all. */
export function writePrivateFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    // Left behind by a process of the same id, it could be readable for others.
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
