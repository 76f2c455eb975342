import { randomUUID } from "node:crypto";

import type { LogFrame, LogLine } from "@claude-edge/protocol/runner";

import type { ContainerStub } from "../../src/container/runner-client.js";

/** A frame before it has a number; whose log it is in says which session it belongs to. */
export type NewFrame = LogFrame extends infer Frame
  ? Frame extends LogFrame
    ? Omit<Frame, "cursor" | "session">
    : never
  : never;

/** The log of a session in its runner: it says what a test has it say. */
export class TestLog {
  #frames: LogFrame[] = [];
  #acknowledged = 0;
  readonly #readers = new Set<ReadableStreamDefaultController<Uint8Array>>();

  get cursor(): number {
    return this.#frames.length;
  }

  /** Frames up to here need not be kept. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Puts frames into the log; readers get them in one piece. */
  say(...frames: NewFrame[]): void {
    const numbered = frames.map(
      (frame, index) => ({ ...frame, cursor: this.cursor + 1 + index, at: Date.now() }) as LogFrame,
    );
    this.#frames.push(...numbered);
    for (const reader of this.#readers) reader.enqueue(linesOf(numbered));
  }

  /** Tells readers something that is no frame. */
  announce(line: LogLine): void {
    for (const reader of this.#readers) reader.enqueue(linesOf([line]));
  }

  acknowledge(cursor: number): void {
    this.#acknowledged = cursor;
  }

  breakConnections(): void {
    for (const reader of this.#readers) reader.error(new Error("connection lost"));
    this.#readers.clear();
  }

  clear(): void {
    this.breakConnections();
    this.#frames = [];
  }

  open(boot: string, after: number): ReadableStream<Uint8Array> {
    let reader: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream({
      start: (controller) => {
        reader = controller;
        this.#readers.add(reader);
        const head = { kind: "head", boot, cursor: this.cursor } as const;
        reader.enqueue(linesOf([head, ...this.#frames.slice(after)]));
      },
      cancel: () => void this.#readers.delete(reader),
    });
  }
}

/** A container as its sessions see it: a log for each of them, and calls that are noted. */
export class TestContainer {
  boot: string = randomUUID();
  /** The name of the object that it is. */
  name = "ada";
  isRunning = true;
  /** Whether its object can be called. */
  isReachable = true;
  /** Whether its runner answers when it is asked for its health. */
  isHealthy = true;
  /** Whether the logs of its runner can be opened. */
  hasLogs = true;
  #object = {};
  readonly #logs = new Map<string, TestLog>();
  /** What else its runner was asked: method and path, and the body. */
  readonly calls: { call: string; body: unknown }[] = [];
  /** Boots that were told to end. */
  readonly ended: string[] = [];
  /** Boots that sessions have told to drain. */
  readonly drained: string[] = [];
  /** The answer to each of those calls, besides what a runner would say; or all of it, as a `Response`. */
  answer: (call: string) => object = () => ({});
  /** The ids of its spares that are free. */
  readonly spares: string[] = [];
  /** Called when it is asked for, before that is answered. */
  onEnsure: () => void = () => {};

  logOf(session: string): TestLog {
    const log = this.#logs.get(session) ?? new TestLog();
    this.#logs.set(session, log);
    return log;
  }

  /** Breaks the connections of all that read logs. */
  breakConnections(): void {
    for (const log of this.#logs.values()) log.breakConnections();
  }

  /** Its runner is replaced by another, which knows nothing. */
  replace(): void {
    this.boot = randomUUID();
    this.isRunning = true;
    for (const log of this.#logs.values()) log.clear();
  }

  /** New turns go to a container of another object from now on. */
  moveTo(name: string): void {
    this.name = name;
    this.replace();
  }

  /** Resets the container's object; the container runs on. */
  resetObject(): void {
    this.#object = {};
    this.breakConnections();
  }

  /** A new stub for the container's object. It stays broken once that was reset, as workerd's do. */
  get stub(): ContainerStub {
    const object = this.#object;
    const assertThere = () => {
      if (!this.isReachable) throw new Error("the object cannot be reached");
      if (object !== this.#object) throw new Error("the object was reset");
    };
    return new Proxy(this.#methods, {
      get: (methods, name) => {
        const method = methods[name as keyof ContainerStub] as (...args: unknown[]) => unknown;
        return async (...args: unknown[]) => {
          assertThere();
          const result = await method(...args);
          assertThere();
          return result;
        };
      },
    });
  }

  /* oxlint-disable require-await -- as a stub's */
  readonly #methods: ContainerStub = {
    fetch: async (address: string, init: RequestInit = {}) => {
      if (!this.isRunning) throw new Error("the container is not running");
      const { pathname, searchParams } = new URL(address);
      const [, session = "", end] = /^\/sessions\/([^/]+)\/log(\/ack)?$/.exec(pathname) ?? [];
      if (session !== "" && end === undefined) {
        if (!this.hasLogs) return new Response("", { status: 500 });
        return new Response(this.logOf(session).open(this.boot, Number(searchParams.get("after"))));
      }
      if (session !== "") {
        this.logOf(session).acknowledge(Number(searchParams.get("cursor")));
        return Response.json({});
      }
      const call = `${init.method} ${pathname}`;
      this.calls.push({ call, body: await bodyOf(init.body) });
      const answer = this.answer(call);
      if (answer instanceof Response) return answer;
      const started = { boot: this.boot, cursor: 0, missing: [] };
      return Response.json({ ...started, ...answer });
    },
    reserveSpare: async () => this.spares.shift(),
    releaseSpare: async (session: string) => void this.spares.push(session),
    ensure: async () => {
      this.onEnsure();
      if (!this.isRunning) this.replace();
      return { boot: this.boot, container: this.name };
    },
    onDraining: async (boot: string) => void this.drained.push(boot),
    state: async () => ({
      running: this.isRunning,
      ...(this.isHealthy ? { health: { boot: this.boot } } : {}),
    }),
    sleep: async (boot: string) => {
      this.ended.push(boot);
      if (boot === this.boot) this.isRunning = false;
    },
    erase: async () => {
      this.ended.push(this.boot);
      this.isRunning = false;
    },
  } as unknown as ContainerStub;
  /* oxlint-enable require-await */
}

/** JSON, or the text of a stream of lines. */
async function bodyOf(body: RequestInit["body"]): Promise<unknown> {
  if (body instanceof ReadableStream) return new Response(body).text();
  return JSON.parse(String(body ?? null));
}

const linesOf = (lines: LogLine[]) =>
  new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
