import { spawn, spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

import { onTestFinished } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { BIN } from "./run.js";

const runs = (program: string, args: string[], said = "") => {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 && stdout.includes(said);
};

/** How to run a shell's line in a pseudo-terminal; undefined where neither of two programs is there to do it. */
const inTerminal = runs("script", ["--version"], "util-linux")
  ? (line: string) => ["script", "-qefc", line, "/dev/null"]
  : runs("python3", ["-c", "import pty"])
    ? (line: string) => [
        "python3",
        "-c",
        "import os,pty,sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(['sh','-c',sys.argv[1]])))",
        line,
      ]
    : undefined;

export const hasTerminal: boolean = inTerminal !== undefined;

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

export interface Terminal {
  /** All that was written to it, escape sequences too. */
  raw: () => string;
  /** Waits until it shows a text, behind those it was asked for before. */
  shows: (text: string) => Promise<void>;
  type: (keys: string) => void;
  /** Its exit code. */
  ended: Promise<number | null>;
}

/** Runs the CLI, or another program, in a pseudo-terminal; with `stdout`, a path, its standard output goes there. */
export function openTerminal(
  args: string[],
  {
    env,
    cwd,
    stdout,
    program: command = [process.execPath, BIN],
  }: { env: Record<string, string>; cwd: string; stdout?: string; program?: string[] },
): Terminal {
  const words = [...command, ...args].map(quoted).join(" ");
  const line = `stty cols 100 rows 40; ${words}${stdout === undefined ? "" : ` > ${quoted(stdout)}`}`;
  const [program, ...rest] = inTerminal!(line);
  const child = spawn(program!, rest, {
    cwd,
    env: {
      PATH: process.env.PATH!,
      HOME: cwd,
      TERM: "xterm",
      SHELL: "/bin/sh",
      ...env,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // A test that fails leaves it waiting for keys.
  onTestFinished(() => void child.kill("SIGHUP"));
  // Keys for one that has ended go nowhere.
  child.stdin.on("error", () => {});
  let [raw, seen] = ["", 0];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (raw += text));
  return {
    raw: () => raw,
    type: (keys) => void child.stdin.write(keys),
    ended: new Promise((resolve) => child.once("close", resolve)),
    shows: async (text) => {
      const find = () => stripVTControlCharacters(raw).indexOf(text, seen);
      await until(`"${text}" in the terminal`, () => find() >= 0).catch((error: unknown) => {
        throw new Error(`instead:\n${stripVTControlCharacters(raw)}`, { cause: error });
      });
      seen = find() + text.length;
    },
  };
}
