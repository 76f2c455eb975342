import { spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { PassThrough, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { stripVTControlCharacters } from "node:util";

import { onTestFinished } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { CTRL_C } from "./keys.js";
import { BIN } from "./run.js";
import { asTerminal, bareEnvironment, Output, start } from "./world.js";

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
  /** Waits until it shows a text, after those it was asked for before. */
  shows: (text: string) => Promise<void>;
  type: (keys: string) => void;
  /** Its exit code. */
  ended: Promise<number | null>;
}

interface TerminalOptions {
  env: Record<string, string>;
  cwd: string;
  /** A path: standard output goes there. */
  stdout?: string;
}

const environmentOf = ({ env, cwd }: TerminalOptions) => ({
  ...bareEnvironment(cwd),
  TERM: "xterm",
  SHELL: "/bin/sh",
  ...env,
});

/** As long as a test may take on a slow machine, milliseconds: what is shown instead is to be told before that. */
const PATIENCE_MS = 28_000;

function shower(raw: () => string): Terminal["shows"] {
  let seen = 0;
  return async (text) => {
    const find = () => stripVTControlCharacters(raw()).indexOf(text, seen);
    await until(`"${text}" in the terminal`, () => find() >= 0, PATIENCE_MS).catch(
      (error: unknown) => {
        throw new Error(`instead:\n${stripVTControlCharacters(raw())}`, { cause: error });
      },
    );
    seen = find() + text.length;
  };
}

/** Runs the CLI, or another program, as a process in a pseudo-terminal. */
export function openTerminal(
  args: string[],
  {
    program: command = [process.execPath, BIN],
    ...options
  }: TerminalOptions & { program?: string[] },
): Terminal {
  const { stdout, cwd } = options;
  const words = [...command, ...args].map(quoted).join(" ");
  const line = `stty cols 100 rows 40; ${words}${stdout === undefined ? "" : ` > ${quoted(stdout)}`}`;
  const [program, ...rest] = inTerminal!(line);
  const child = spawn(program!, rest, {
    cwd,
    env: environmentOf(options),
    stdio: ["pipe", "pipe", "inherit"],
  });
  // A test that fails leaves it waiting for keys.
  onTestFinished(() => void child.kill("SIGHUP"));
  // Keys for one that has ended go nowhere.
  child.stdin.on("error", () => {});
  let raw = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (raw += text));
  return {
    raw: () => raw,
    type: (keys) => void child.stdin.write(keys),
    ended: new Promise((resolve) => child.once("close", resolve)),
    shows: shower(() => raw),
  };
}

/**
 * Runs the CLI in this process, with streams that are a terminal to it. As the kernel does it outside raw mode: what is
 * typed is echoed, comes a line at a time, and Ctrl-C interrupts.
 */
export function openScreen(args: string[], options: TerminalOptions): Terminal {
  const env = environmentOf(options);
  const screen = new Output();
  const write = (text: unknown, _encoding: unknown, done: () => void) => {
    screen.write(String(text).replaceAll("\n", "\r\n"));
    done();
  };
  const show = () => asTerminal(new Writable({ decodeStrings: false, write }), env);
  let [isRaw, line] = [false, ""];
  const send = (keys: string) => void (keys && !stdin.destroyed && stdin.write(keys));
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isOn: boolean) => {
      isRaw = isOn;
      if (isRaw) send(line);
      if (isRaw) line = "";
    },
  });
  const file = options.stdout === undefined ? undefined : createWriteStream(options.stdout);
  const streams = { stdin, stdout: file ?? show(), stderr: show(), env, cwd: options.cwd };
  const { ended, interrupt } = start(args, streams);
  onTestFinished(interrupt);
  return {
    raw: () => screen.text,
    shows: shower(() => screen.text),
    type: (keys) => {
      if (isRaw) return send(keys);
      if (keys.includes(CTRL_C)) return interrupt();
      const typed = keys.replaceAll("\r", "\n");
      screen.write(typed);
      const end = (line + typed).lastIndexOf("\n") + 1;
      send((line + typed).slice(0, end));
      line = (line + typed).slice(end);
    },
    ended: ended.then(async (code) => {
      if (file) await finished(file.end());
      return code;
    }),
  };
}
