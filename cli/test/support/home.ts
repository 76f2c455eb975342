import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A home folder of a test's own, and the config file in it. */
export interface Home {
  /** For the environment of the CLI. */
  env: { HOME: string };
  path: string;
  /** The file as it is. */
  read: () => { current?: string; profiles: Record<string, Record<string, string>> };
  write: (config: unknown) => void;
  /** Permission bits of the file, and of its folder. */
  modes: () => [number, number];
}

export function makeHome(parent: string): Home {
  const home = mkdtempSync(join(parent, "home-"));
  const path = join(home, ".config", "claude-edge", "config.json");
  return {
    env: { HOME: home },
    path,
    read: () => JSON.parse(readFileSync(path, "utf8")) as ReturnType<Home["read"]>,
    write: (config) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, typeof config === "string" ? config : JSON.stringify(config));
    },
    modes: () => [statSync(path).mode & 0o777, statSync(dirname(path)).mode & 0o777],
  };
}
