import { randomUUID } from "node:crypto";

import type { EdgeEvent } from "@claude-edge/protocol";
import type { TurnFrame } from "@claude-edge/protocol/runner";

import type { Env } from "../../src/env.js";
import { SessionParts } from "../../src/session/parts.js";
import type { NewSession, NewTurn, TurnRow } from "../../src/session/row-types.js";
import { sessionStorage } from "./storage.js";
import { TestContainer, type NewFrame, type TestLog } from "./test-container.js";
import { TestPort } from "./test-port.js";
import { likeWorkerd } from "./workerd.js";

likeWorkerd();

interface Settings {
  env?: Partial<Env>;
  session?: Partial<NewSession>;
  /** For sessions that share one. */
  container?: TestContainer;
  account?: TestPort;
}

/** A session's parts on a SQLite of their own and without workerd, with a container and an account to talk to. */
export class TestSession {
  readonly id: string = randomUUID();
  readonly container: TestContainer;
  readonly account: TestPort;
  readonly storage: DurableObjectStorage = sessionStorage();
  readonly #env: Env;
  readonly #ctx: DurableObjectState;
  parts: SessionParts;

  constructor({ env = {}, session = {}, container, account }: Settings = {}) {
    this.container = container ?? new TestContainer();
    this.account = account ?? new TestPort();
    this.#env = {
      ...env,
      CONTAINER: { getByName: () => this.container.stub },
      ACCOUNT: { getByName: () => this.account },
    } as unknown as Env;
    this.#ctx = {
      id: { name: `ada/${this.id}`, toString: () => this.id },
      storage: this.storage,
      waitUntil: (work: Promise<unknown>) => void work,
    } as unknown as DurableObjectState;
    this.parts = new SessionParts(this.#ctx, this.#env);
    this.store.insertSession({ ...newSession(this.id), ...session }, Date.now());
  }

  get store(): SessionParts["store"] {
    return this.parts.store;
  }

  get log(): SessionParts["log"] {
    return this.parts.log;
  }

  get requests(): SessionParts["requests"] {
    return this.parts.requests;
  }

  get runnerLog(): SessionParts["runnerLog"] {
    return this.parts.runnerLog;
  }

  /** Its log in the runner. */
  get runner(): TestLog {
    return this.container.logOf(this.id);
  }

  /** Forgets what is only in memory, as a restart of the object does. */
  restart(): void {
    this.runnerLog.stop();
    this.parts = new SessionParts(this.#ctx, this.#env);
  }

  /** Reads the runner's log; resolves when it is applied as far as it goes. */
  async follow(): Promise<void> {
    this.runnerLog.follow(this.container.boot);
    await this.applied();
  }

  /** Resolves when the runner's log is applied as far as it goes. */
  async applied(): Promise<void> {
    const { cursor } = this.runner;
    const applied = await this.runnerLog.whenApplied(cursor, 10_000);
    if (!applied) throw new Error(`the log is not applied up to ${cursor}`);
  }

  /** Queues a turn, as the session does when it takes a prompt. */
  queue(turn: Partial<NewTurn> = {}): string {
    const id = turn.id ?? randomUUID();
    const { store, log } = this;
    store.transaction(() => {
      store.insertTurn({ prompt: "hello", ...turn, id }, "queued", log.lastSeq + 1, Date.now());
      log.emitOwn(id, "turn", { session_id: this.id, status: "queued" });
    });
    return id;
  }

  /** Queues a turn that a runner has taken. */
  send(turn?: Partial<NewTurn>): string {
    const id = this.queue(turn);
    this.store.markRunning(id, Date.now());
    this.store.setBoot(id, this.container.boot);
    return id;
  }

  turn(id: string): TurnRow {
    return this.store.turn(id)!;
  }

  /** All events that a reader gets now. */
  async events(): Promise<EdgeEvent[]> {
    const events: EdgeEvent[] = [];
    for (;;) {
      const more = await this.log.list(events.at(-1)?.seq ?? 0);
      if (more.length === 0) return events;
      events.push(...more);
    }
  }

  // What the runner says.

  say(...frames: NewFrame[]): void {
    this.runner.say(...frames);
  }

  running(turn: string): void {
    this.say({ kind: "turn", turn, status: "running" });
  }

  delta(turn: string, text: string): void {
    this.say({ kind: "message", turn, message: { type: "stream_event", text } });
  }

  message(turn: string, text: string): void {
    this.say({ kind: "message", turn, message: { type: "assistant", text } });
  }

  /** Asks for a permission to use a tool; the request's id is the tool use's. */
  ask(turn: string, toolUse: string, more: { held?: boolean } = {}): void {
    const payload = { tool_name: "Bash", tool_use_id: toolUse, input: {}, options: {} };
    const request = { id: toolUse, kind: "permission" as const, payload, ...more };
    this.say({ kind: "request", turn, request });
  }

  /** Asks something of the caller: what only the program that passed the callback can answer. */
  askCaller(turn: string, id: string): void {
    const request = { id, kind: "hook" as const, payload: { event: "PreToolUse" } };
    this.say({ kind: "request", turn, request });
  }

  /** Stores an assistant's message that calls tools. */
  calls(turn: string, ...toolUses: string[]): void {
    const content = toolUses.map((id) => ({ type: "tool_use", id, name: "Bash", input: {} }));
    const entry = { type: "assistant", uuid: randomUUID(), message: { id: "m", content } };
    this.say({ kind: "transcript", turn, entries: [entry] });
  }

  ended(turn: string, rest: Partial<TurnFrame> = {}): void {
    this.say({ kind: "turn", turn, status: "completed", ...rest });
  }
}

/** A session that nothing was said of. */
export const newSession = (id: string): NewSession => ({
  id,
  account: "ada",
  title: undefined,
  tags: [],
  options: {},
  onContainerLost: "auto",
  approvalTimeoutMs: undefined,
  container: "ada",
  ephemeral: false,
});
