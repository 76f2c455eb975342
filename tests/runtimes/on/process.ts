import { setTimeout as sleep } from "node:timers/promises";

import { Unavailable, type Found, type Job } from "../runtime.ts";
import { entryPath } from "../support/bundle.ts";
import { readLines } from "../support/lines.ts";
import { end, ended, start, versionOf } from "../support/programs.ts";

/** A program that has nothing left to do ends within this, milliseconds. */
const PATIENCE_MS = 5_000;

/** A runtime that runs a file as a program of its own. @throws Unavailable when it does not start. */
export async function asProgram(
  path: string,
  folder: string,
  flags: string[] = [],
): Promise<Found> {
  const version = await versionOf(path, folder).catch((cause: Error) => {
    throw new Unavailable(`it does not start here: ${cause.message}`, { cause });
  });
  return { version, run: (job) => run(path, flags, job) };
}

async function run(
  path: string,
  flags: string[],
  { given, folder, signal, onLine }: Job,
): Promise<void> {
  const program = start(path, [...flags, entryPath("process")], {
    folder,
    signal,
    env: { SUITE_GIVEN: JSON.stringify(given) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let timer: NodeJS.Timeout | undefined;
    let stays = false;
    const reading = readLines(program.stdout!, (line) => {
      onLine(line);
      if (!("ended" in line)) return;
      timer = setTimeout(() => {
        stays = true;
        void end(program);
      }, PATIENCE_MS);
    });
    const how = await ended(program);
    await Promise.race([reading, sleep(1_000, undefined, { ref: false })]);
    clearTimeout(timer);
    if (stays) throw new Error("something of the client keeps the program from ending");
    if (how !== 0) throw new Error(`it ended with ${how}`);
  } finally {
    await end(program);
  }
}
