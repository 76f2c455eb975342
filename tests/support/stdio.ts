import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { afterAll } from "vitest";

import type { SharedTestStack } from "./stack.js";
import { until } from "./wait.js";

/** What programs name as their `claude`. */
export const EXECUTABLE: string = fileURLToPath(
  new URL("../../cli/bin/claude-edge-stdio.js", import.meta.url),
);

/** The flags that the Agent SDK always gives. */
export const STREAM = [
  "--output-format",
  "stream-json",
  "--verbose",
  "--input-format",
  "stream-json",
];

type Frame = Record<string, unknown>;
type Environment = Record<string, string | undefined>;

/** A running `claude-edge stdio`, and what it has written. */
export interface StdioProcess {
  readonly frames: Frame[];
  /** Writes a frame, or a text as it is. */
  write(frame: Frame | string): void;
  /** Closes its input. */
  end(): void;
  kill(signal: NodeJS.Signals): void;
  /** The first frame that fits; waits for it. */
  frame(fits: (frame: Frame) => unknown): Promise<Frame>;
  /** Asks, and gives the answer. */
  ask(request: Frame): Promise<Frame>;
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** `claude-edge stdio` on a shared stack, in an account of the file's. */
export function useStdio(
  shared: SharedTestStack,
  account: string,
): {
  /** The environment that names the deployment, with a home of its own. */
  env(): Environment;
  /** Options for the Agent SDK. */
  options(more?: Options): Options;
  start(args: string[], env?: Environment): StdioProcess;
} {
  const home = mkdtempSync(join(tmpdir(), "stdio-"));
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  // A program starts a script with the `node` of its PATH.
  const bare = { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), HOME: home };
  const env = () => ({
    ...bare,
    CLAUDE_EDGE_URL: shared.stack.url,
    CLAUDE_EDGE_TOKEN: shared.stack.token,
    CLAUDE_EDGE_ACCOUNT: account,
  });
  return {
    env,
    options: (more = {}) => ({
      pathToClaudeCodeExecutable: EXECUTABLE,
      cwd: home,
      env: env(),
      ...more,
    }),
    start: (args, given = {}) => start(args, { ...env(), ...given }, home),
  };
}

function start(args: string[], env: Environment, cwd: string): StdioProcess {
  const child = spawn(process.execPath, [EXECUTABLE, ...args], { env, cwd });
  const frames: Frame[] = [];
  const lines: string[] = [];
  let stderr = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    if (line.startsWith("{")) frames.push(JSON.parse(line) as Frame);
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  // One that has ended reads nothing.
  child.stdin.on("error", () => {});
  const ended = once(child, "close").then(([code]) => ({
    code: code as number | null,
    stdout: lines.join("\n"),
    stderr,
  }));
  let isEnded = false;
  void ended.then(() => (isEnded = true));
  const write = (frame: Frame | string) =>
    void child.stdin.write(typeof frame === "string" ? frame : `${JSON.stringify(frame)}\n`);
  const frame = (fits: (frame: Frame) => unknown) =>
    until(`a frame of ${JSON.stringify(frames)} ${stderr}`, () => {
      const found = frames.find(fits);
      if (!found && isEnded) throw new Error(`it has ended: ${stderr}`);
      return found;
    });
  let asked = 0;
  return {
    frames,
    write,
    end: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    frame,
    ask: async (request) => {
      asked += 1;
      const request_id = `ask-${asked}`;
      write({ type: "control_request", request_id, request });
      const answer = await frame(
        ({ type, response }) =>
          type === "control_response" && (response as Frame).request_id === request_id,
      );
      return answer.response as Frame;
    },
    ended,
  };
}

/** A user's message. */
export const says = (content: string, more: Frame = {}): Frame => ({
  type: "user",
  message: { role: "user", content },
  parent_tool_use_id: null,
  session_id: "",
  ...more,
});
