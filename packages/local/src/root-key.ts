import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where a stack that keeps its data keeps its root key, unless it is given one. */
const FILE = "root-key";

/** A new root key; the same at each start for a stack that keeps its data: secrets in it are sealed with it. */
export function localRootKey(persist: string | undefined): string {
  const made = `ce_root_${randomBytes(24).toString("base64url")}`;
  if (persist === undefined) return made;
  const path = join(persist, FILE);
  mkdirSync(persist, { recursive: true });
  try {
    // Of two stacks that start at the same time, one writes it.
    writeFileSync(path, made, { mode: 0o600, flag: "wx" });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return readFileSync(path, "utf8").trim();
  }
}
