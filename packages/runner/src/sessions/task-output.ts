import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * A task whose output file is larger than this is stopped, bytes. Claude Code itself stops one at 5 GB, which is most of a
 * container's disk, and sessions share that.
 */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

const ENDING = ".output";

/** The tasks of a session whose output has grown too large, with their files. `temp`: its folder for temporary files. */
export async function overgrownTasks(
  temp: string,
  session: string,
  maxBytes: number = MAX_OUTPUT_BYTES,
): Promise<{ task: string; file: string }[]> {
  const found = [];
  // Claude Code's folders: of the user, of the working directory, of the session.
  for (const user of await namesIn(temp)) {
    for (const place of await namesIn(join(temp, user))) {
      const tasks = join(temp, user, place, session, "tasks");
      for (const name of await namesIn(tasks)) {
        const file = join(tasks, name);
        const size = await sizeOf(file);
        if (name.endsWith(ENDING) && size > maxBytes) {
          found.push({ task: name.slice(0, -ENDING.length), file });
        }
      }
    }
  }
  return found;
}

/** Cuts a file off where it became too large: its disk is free again. Follows no link. */
export async function cutOutput(file: string, maxBytes: number = MAX_OUTPUT_BYTES): Promise<void> {
  const handle = await open(file, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    await handle.truncate(maxBytes);
  } finally {
    await handle.close();
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** The bytes of a plain file; 0 for anything else. */
async function sizeOf(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() ? stats.size : 0;
}
