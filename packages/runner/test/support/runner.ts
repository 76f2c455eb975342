import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type {
  CheckpointFrame,
  LogFrame,
  LogHead,
  LogLine,
  RunnerSessions,
  SpareReserved,
  StartTurn,
  TakeCheckpoint,
  WorkspaceEntry,
  WorkspacePlan,
} from "@claude-edge/protocol/runner";

import { until } from "../../../../tests/support/wait.js";
import { blobStream } from "./entries.js";

const BIN = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));

export interface Answer {
  status: number;
  body: Buffer;
}

/** A runner in a process of its own, asked over its socket as the Worker asks it. */
export class TestRunner {
  readonly folder: string = mkdtempSync(join(tmpdir(), "runner-"));
  readonly socketPath: string = join(this.folder, "runner.sock");
  #process: ChildProcess | undefined;
  readonly #user: number | undefined;

  /** With a user it runs as that one, who must be root's to choose. */
  constructor(user?: number) {
    this.#user = user;
    if (user !== undefined) chownSync(this.folder, user, user);
  }

  async launch(env: Record<string, string> = {}): Promise<void> {
    const user = this.#user;
    const ownEnv = {
      PATH: process.env.PATH!,
      HOME: this.folder,
      PORT: this.socketPath,
      IS_SANDBOX: "1",
      CLAUDE_EDGE_WORKSPACES: join(this.folder, "workspace"),
      CLAUDE_EDGE_STATE: join(this.folder, "state"),
      CLAUDE_EDGE_SPARES: "0",
      ...env,
    };
    this.#process = spawn(process.execPath, [BIN, this.folder], {
      env: ownEnv,
      ...(user === undefined ? {} : { uid: user, gid: user }),
      stdio: "ignore",
    });
    await until("the runner answers", () => this.call("GET", "/health").catch(() => undefined));
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Gives the exit code, if it ended with one. */
  async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return null;
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return exited;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  call(method: string, path: string, ...chunks: (string | Uint8Array)[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { socketPath } = this;
      // A connection of its own: one that is kept may have been closed while a test was busy.
      const sent = request({ socketPath, method, path, agent: false }, (answer) => {
        const got: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => got.push(chunk)).on("error", reject);
        answer.on("end", () => resolve({ status: answer.statusCode!, body: Buffer.concat(got) }));
      });
      sent.on("error", reject);
      for (const chunk of chunks) sent.write(chunk);
      sent.end();
    });
  }

  async json(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const chunks = body === undefined ? [] : [JSON.stringify(body)];
    const { status, body: got } = await this.call(method, path, ...chunks);
    return { status, ...(JSON.parse(got.toString()) as Record<string, unknown>) };
  }

  /** Opens a stream of lines, and leaves it at the first that is enough. Rejects when it ends before. */
  readLines(path: string, enough: (line: LogLine) => boolean): Promise<LogLine[]> {
    return new Promise((resolve, reject) => {
      const { socketPath } = this;
      const read: LogLine[] = [];
      const sent = request({ socketPath, path, agent: false }, (answer) => {
        let open = "";
        answer.on("end", () => reject(new Error("the log has ended")));
        // Leaving in mid-answer is the reader's own doing.
        answer.on("error", () => {});
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          const lines = (open + chunk).split("\n");
          open = lines.pop()!;
          for (const line of lines) {
            const parsed = JSON.parse(line) as LogLine;
            read.push(parsed);
            if (!enough(parsed)) continue;
            sent.destroy();
            return resolve(read);
          }
        });
      });
      sent.on("error", reject);
      sent.end();
    });
  }

  /** What runs here. */
  async sessions(): Promise<RunnerSessions> {
    return JSON.parse((await this.call("GET", "/sessions")).body.toString()) as RunnerSessions;
  }

  /** Reserves the next spare of a kind. */
  async reserve(asks = false): Promise<TestSession> {
    let id: string | undefined;
    await until("there is a spare", async () => {
      ({ session: id } = (await this.json("POST", "/spares/reserve", { asks })) as SpareReserved);
      return id;
    });
    return this.session(id);
  }

  session(id: string = randomUUID()): TestSession {
    return new TestSession(this, id);
  }
}

/** A turn that was begun. */
export interface TestTurn {
  id: string;
  /** Its session's frames from its beginning to the first that is enough. */
  until(enough: (frame: LogFrame) => boolean): Promise<LogFrame[]>;
  /** All of its frames. */
  end(): Promise<LogFrame[]>;
  interrupt(): Promise<Answer>;
}

/** One session of a runner: its workspace's folder, and what the Worker asks of it. */
export class TestSession {
  readonly id: string;
  readonly runner: TestRunner;
  /** Where its files are. */
  readonly root: string;

  constructor(runner: TestRunner, id: string) {
    this.runner = runner;
    this.id = id;
    this.root = join(runner.folder, "workspace", id);
  }

  makeRoot(): this {
    mkdirSync(this.root, { recursive: true });
    return this;
  }

  at(path: string): string {
    return join(this.root, path);
  }

  /** Writes a file of its workspace, as a tool would. */
  write(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
    chmodSync(this.at(path), mode);
  }

  get state(): string {
    return join(this.runner.folder, "state", this.id);
  }

  /** Reads its log after a cursor, until the first frame that is enough. */
  async readLog(after: number, enough: (frame: LogFrame) => boolean): Promise<LogFrame[]> {
    const { boot } = (await this.runner.json("GET", "/health")) as { boot: string };
    const path = `/sessions/${this.id}/log?boot=${boot}&after=${after}`;
    const lines = await this.runner.readLines(path, (line) => isFrame(line) && enough(line));
    return lines.filter(isFrame);
  }

  /** Asks for a checkpoint; gives the frame for it, if there is one. */
  async checkpoint(ask: Partial<TakeCheckpoint> = {}): Promise<CheckpointFrame | undefined> {
    const before = await this.#cursor();
    const path = `/sessions/${this.id}/checkpoints`;
    const { cursor } = (await this.runner.json("POST", path, { reason: "write", ...ask })) as {
      cursor: number;
    };
    if (cursor === before) return undefined;
    const frames = await this.readLog(before, (frame) => frame.cursor === cursor);
    return frames.findLast((frame) => frame.kind === "checkpoint") as CheckpointFrame | undefined;
  }

  async entries(number: number): Promise<WorkspaceEntry[]> {
    const { status, body } = await this.runner.call(
      "GET",
      `/sessions/${this.id}/checkpoints/${number}`,
    );
    if (status !== 200) throw new Error(`${status}: ${body.toString()}`);
    const lines = body.toString().split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as WorkspaceEntry);
  }

  /** Takes a checkpoint; gives what has changed. */
  async changes(ask: Partial<TakeCheckpoint> = {}): Promise<WorkspaceEntry[]> {
    const frame = await this.checkpoint(ask);
    return frame ? this.entries(frame.number) : [];
  }

  blobs(number: number, blobs: string[]): Promise<Answer> {
    const path = `/sessions/${this.id}/checkpoints/${number}/blobs`;
    return this.runner.call("POST", path, JSON.stringify({ blobs }));
  }

  release(number: number): Promise<Answer> {
    return this.runner.call("DELETE", `/sessions/${this.id}/checkpoints/${number}`);
  }

  remove(): Promise<Answer> {
    return this.runner.call("DELETE", `/sessions/${this.id}`);
  }

  /** Says how its workspace is to be. */
  put(
    entries: WorkspaceEntry[],
    full = true,
  ): Promise<WorkspacePlan & { status: number; error?: string }> {
    const lines = [{ full }, ...entries].map((line) => `${JSON.stringify(line)}\n`);
    return this.#plan("workspace", lines);
  }

  /** Sends contents. */
  send(...contents: string[]): Promise<WorkspacePlan & { status: number; error?: string }> {
    return this.sendRaw([blobStream(...contents)]);
  }

  sendRaw(chunks: Uint8Array[]): Promise<WorkspacePlan & { status: number; error?: string }> {
    return this.#plan("workspace/blobs", chunks);
  }

  async start(turn: string, prompt: StartTurn["prompt"], more: Partial<StartTurn> = {}) {
    const body = { options: { permissionMode: "bypassPermissions" }, hold_ms: 600_000, ...more };
    return this.runner.json("PUT", `/sessions/${this.id}/turns/${turn}`, { prompt, ...body });
  }

  /** Begins a turn, which is to be accepted. */
  async begin(prompt: StartTurn["prompt"], more: Partial<StartTurn> = {}): Promise<TestTurn> {
    const turn = randomUUID();
    const started = await this.start(turn, prompt, more);
    const cursor = started.cursor as number | undefined;
    if (cursor === undefined) throw new Error(`no turn was begun: ${JSON.stringify(started)}`);
    const read: TestTurn["until"] = (enough) => this.readLog(cursor, enough);
    return {
      id: turn,
      until: read,
      end: () => read(ends(turn)),
      interrupt: () => this.runner.call("POST", `/sessions/${this.id}/turns/${turn}/interrupt`),
    };
  }

  /** Runs a turn to its end; gives its frames. */
  async turn(prompt: StartTurn["prompt"], more: Partial<StartTurn> = {}): Promise<LogFrame[]> {
    return (await this.begin(prompt, more)).end();
  }

  async #plan(path: string, chunks: (string | Uint8Array)[]) {
    const { status, body } = await this.runner.call(
      "PUT",
      `/sessions/${this.id}/${path}`,
      ...chunks,
    );
    return { status, ...(JSON.parse(body.toString()) as WorkspacePlan) };
  }

  /** The newest cursor of its log. */
  async #cursor(): Promise<number> {
    const [head] = await this.runner.readLines(`/sessions/${this.id}/log`, () => true);
    return (head as LogHead).cursor;
  }
}

const isFrame = (line: LogLine): line is LogFrame => "cursor" in line && line.kind !== "head";

export const ends = (turn: string) => (frame: LogFrame) =>
  frame.kind === "turn" && frame.turn === turn && frame.status !== "running";
