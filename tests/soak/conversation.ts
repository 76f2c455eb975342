import { setTimeout as sleep } from "node:timers/promises";

import {
  ClaudeEdgeError,
  type ClaudeEdge,
  type EdgeEvent,
  type Session,
} from "@claude-edge/client";
import { findMarked } from "@claude-edge/runner/processes";

import { cuttableClient } from "../support/cuttable.ts";
import { Reader } from "../support/reader.ts";
import { newestRequest, shownIn } from "../support/shown.ts";
import { until } from "../support/wait.ts";
import type { Chance } from "./chance.ts";
import { answerOf } from "./ledger.ts";
import { Memories } from "./memories.ts";
import { HOT_MS, type World } from "./world.ts";

/** A turn, or a call, that takes longer than this hangs, milliseconds. */
const PATIENCE_MS = 5 * 60_000;

/** A watcher is at most this late after a turn that its own reader has seen end, milliseconds. */
const WATCHER_MS = 30_000;

type TurnEvent = Extract<EdgeEvent, { kind: "turn" }>;

const isEnd = (event: EdgeEvent): event is TurnEvent =>
  event.kind === "turn" && ["completed", "failed", "interrupted"].includes(event.status);

const codeOf = (error: unknown) => (error instanceof ClaudeEdgeError ? error.code : undefined);

/** A session, what was done with it, and what has to hold of it. */
export class Conversation {
  readonly account: string;
  readonly session: Session;
  /** Breaks all its connections. */
  readonly cut: () => void;
  /** A worker has it. */
  isTaken = false;
  /** Turns that run now. */
  running = 0;
  readonly #world: World;
  readonly #name: string;
  readonly #memories: Memories;
  /** By id, the seqs that the reader of each accepted turn has seen. */
  readonly #turns = new Map<string, Reader>();
  readonly #watcher: Reader | undefined;
  readonly #watching = new AbortController();
  #hasLostWatcher = false;
  #isDeleted = false;
  #wantsInterrupt = false;
  #count = 0;

  private constructor(
    world: World,
    account: string,
    { session, cut }: { session: Session; cut: () => void },
    memories = new Memories(),
  ) {
    this.#world = world;
    this.account = account;
    this.session = session;
    this.cut = cut;
    this.#memories = memories;
    world.counts.sessions += 1;
    this.#name = `s${world.counts.sessions}`;
    if (world.counts.sessions % 2 === 0) {
      this.#watcher = new Reader((problem) => this.#problem(`its watcher: ${problem}`));
      world.later(this.#watch(this.#watcher));
    }
  }

  static async create(world: World, account: string): Promise<Conversation> {
    const { client, cut } = clientOf(world, account);
    const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
    return new Conversation(world, account, { session, cut });
  }

  /** How many turns it has had. */
  get length(): number {
    return this.#memories.length;
  }

  /** One turn of text and perhaps tools. */
  async turn(chance: Chance): Promise<void> {
    const name = `${this.#name}-t${(this.#count += 1)}`;
    const tools = Array.from(
      { length: chance.pick([0, 1, 1, 2]) },
      (_, index) => `${name}-${index}`,
    );
    const lines = tools.flatMap((tool) => {
      const command = this.#world.ledger.command(tool, chance.pick([0, 0.1, 0.5, 1]));
      const call = `%tool Bash ${JSON.stringify({ command })}`;
      return chance.isBelow(0.5) ? [`%tokens ${chance.between(5, 80)}`, call] : [call];
    });
    const wait = chance.isBelow(0.3) ? [`%wait ${chance.between(50, 1_500)}`] : [];
    await this.#run(name, tools, [...lines, ...wait, `%say End of ${name}.`].join("\n"));
  }

  /** A turn that is told to stop after a while. */
  async interruptedTurn(chance: Chance): Promise<void> {
    this.#wantsInterrupt = true;
    const turn = this.turn(chance);
    await sleep(chance.between(0, 2_000));
    await this.session
      .interrupt({ signal: AbortSignal.timeout(PATIENCE_MS) })
      .catch((error: unknown) => {
        this.#problem(`it could not be interrupted: ${String(error)}`);
      });
    await turn;
    this.#wantsInterrupt = false;
  }

  /** Another session that remembers this one, all of it or up to a turn. */
  async fork(chance: Chance): Promise<Conversation> {
    const turnId = chance.isBelow(0.5) ? undefined : chance.pick(this.#memories.completed);
    const { session } = this;
    const fork = await session.fork({
      ...(turnId && { turnId }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    this.#world.counts.forks += 1;
    const { client, cut } = clientOf(this.#world, this.account);
    const opened = { session: client.sessions.open(fork.id), cut };
    return new Conversation(
      this.#world,
      this.account,
      opened,
      new Memories(this.#memories, turnId),
    );
  }

  /** Deletes it. While a turn runs, that turn is stopped by it. */
  async delete(): Promise<void> {
    this.#isDeleted = true;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    await this.session.delete({ signal }).catch((error: unknown) => {
      // A deletion whose answer was lost is asked for again.
      if (codeOf(error) !== "session_not_found") this.#problem(`not deleted: ${String(error)}`);
    });
    this.#world.counts.deletions += 1;
    this.leave();
    const found = await this.session.retrieve({ signal }).catch(codeOf);
    if (found !== "session_not_found") this.#problem(`deleted, and ${JSON.stringify(found)}`);
    this.#world.later(this.#assertNoProcesses());
  }

  /** What is stored of it must be what its readers have seen, and what it must remember. Not while a turn runs. */
  async audit(): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const stored: EdgeEvent[] = [];
    for await (const event of this.session.events({ follow: false, signal })) stored.push(event);
    const ends = new Map<string, number>();
    for (const { turn_id } of stored.filter(isEnd)) {
      ends.set(String(turn_id), (ends.get(String(turn_id)) ?? 0) + 1);
    }
    for (const [turn, reader] of this.#turns) {
      if (ends.get(turn) !== 1) this.#problem(`turn ${turn} ended ${ends.get(turn) ?? 0} times`);
      // What comes after its end, its last checkpoint for example, is not for readers of the turn.
      const last = reader.seen.at(-1)!.seq;
      reader.expect(stored.filter(({ turn_id, seq }) => turn_id === turn && seq <= last));
    }
    for await (const { id, status } of this.session.turns({ signal })) {
      const isOpen = !["completed", "failed", "interrupted"].includes(status);
      if (isOpen) this.#problem(`turn ${id} is ${status}, and its reader has seen it end`);
    }
    await this.#auditWatcher(stored);
    const file = await this.session.files.get("log.txt", { signal }).catch((error: unknown) => {
      if (codeOf(error) !== "file_not_found") throw error;
      return undefined;
    });
    for (const problem of this.#memories.fileProblems(file ? await file.text() : "")) {
      this.#problem(problem);
    }
  }

  /** Ends what watches it. */
  leave(): void {
    this.#watching.abort();
  }

  async #auditWatcher(stored: EdgeEvent[]): Promise<void> {
    const watcher = this.#watcher;
    const newest = stored.at(-1)?.seq ?? 0;
    if (!watcher || this.#hasLostWatcher) return;
    const isThere = () => (watcher.seen.at(-1)?.seq ?? 0) >= newest;
    await until("the watcher has seen the newest event", isThere, WATCHER_MS).catch(() => {});
    watcher.expect(stored);
  }

  async #run(name: string, tools: string[], prompt: string): Promise<void> {
    const { counts, ledger } = this.#world;
    const reader = new Reader((problem) => this.#problem(`${name}: ${problem}`));
    const shownBefore = new Memories(this.#memories);
    const answered: string[] = [];
    const from = Date.now();
    this.#memories.try(tools);
    this.running += 1;
    try {
      for await (const event of this.session.send(prompt, {
        signal: AbortSignal.timeout(PATIENCE_MS),
      })) {
        reader.see(event);
        counts.events += 1;
        for (const tool of answersIn(event, tools)) {
          answered.push(tool);
          ledger.finish(tool);
        }
      }
    } catch (error) {
      const isGone = this.#isDeleted && codeOf(error) === "session_not_found";
      if (!isGone) this.#problem(`${name}: its reader failed: ${String(error)}`);
    } finally {
      this.running -= 1;
    }
    const end = reader.seen.at(-1);
    if (end?.turn_id !== undefined) this.#turns.set(end.turn_id, reader);
    const runs = reader.seen.filter((event) => event.kind === "turn" && event.status === "running");
    if (runs.length > 1) counts.resumed += 1;
    if (reader.seen.some((event) => event.kind === "turn" && event.reason)) counts.waited += 1;
    const said = `End of ${name}.`;
    const status = this.#judge(name, end, said, { from, to: Date.now() });
    this.#world.note(`${name} (${this.account}/${this.session.id}): ${status}`);
    counts.turns[status] = (counts.turns[status] ?? 0) + 1;
    if (status === "completed") {
      counts.turnMs.push(Date.now() - from);
      for (const tool of tools.filter((one) => !answered.includes(one))) {
        this.#problem(`${name} completed, and ${tool} was not told`);
      }
      this.#assertShown(name, shownBefore, answered);
    }
    if (end?.turn_id !== undefined) {
      this.#memories.add(end.turn_id, answered, status === "completed" ? said : undefined);
    }
  }

  /** How a turn ended, which must be as it should, or as what struck it explains. */
  #judge(
    name: string,
    end: EdgeEvent | undefined,
    said: string,
    time: { from: number; to: number },
  ): string {
    const place = { account: this.account, session: this.session.id, ...time };
    const struck = () => {
      const names = this.#world.faults.during(place).map((fault) => fault.name);
      return `(during: ${names.join(", ") || "nothing"})`;
    };
    if (!end || !isEnd(end)) {
      if (!this.#isDeleted) this.#problem(`${name} has no end: ${JSON.stringify(end)} ${struck()}`);
      return this.#isDeleted ? "deleted" : "no end";
    }
    if (end.status === "completed") {
      if (!end.result?.text?.includes(said)) {
        this.#problem(`${name} completed with ${JSON.stringify(end.result?.text)} ${struck()}`);
      }
      return "completed";
    }
    const code = end.error?.code;
    if (code === undefined) this.#problem(`${name}: ${end.status} without a code ${struck()}`);
    if (end.status === "interrupted") {
      if (!this.#wantsInterrupt && !this.#isDeleted) {
        this.#problem(`${name} was interrupted by nobody ${struck()}`);
      }
      return "interrupted";
    }
    if (!this.#isDeleted && !this.#world.faults.explains(String(code), place)) {
      this.#problem(`${name} failed: ${code}, ${end.error?.message} ${struck()}`);
    }
    return `failed ${code}`;
  }

  /** The model of a turn must have been shown what had finished before, each answer once. */
  #assertShown(name: string, before: Memories, answered: string[]): void {
    const request = newestRequest(this.#world.stack.model!, this.session.id);
    if (!request) return this.#problem(`${name} completed, and its model was not asked`);
    const shown = shownIn(request);
    for (const said of before.said.filter((text) => !shown.said.includes(text))) {
      this.#problem(`${name}: its model was not shown "${said}"`);
    }
    for (const tool of [...before.answered, ...answered]) {
      const times = shown.answered.split(answerOf(tool)).length - 1;
      if (times !== 1) this.#problem(`${name}: its model was shown ${times} answers of ${tool}`);
    }
  }

  async #watch(watcher: Reader): Promise<void> {
    const { signal } = this.#watching;
    try {
      for await (const event of this.session.events({ after: 0, signal })) watcher.see(event);
    } catch (error) {
      if (signal.aborted || (this.#isDeleted && codeOf(error) === "session_not_found")) return;
      this.#hasLostWatcher = true;
      this.#problem(`its watcher: ${String(error)}`);
    }
  }

  /** A runner that could not be told of a deletion ends the process when it is idle. */
  async #assertNoProcesses(): Promise<void> {
    const left = () => findMarked({ CLAUDE_EDGE_SESSION: this.session.id });
    const ended = until("gone", () => left().length === 0, HOT_MS + 30_000);
    await ended.catch(() => this.#problem(`deleted, and ${left().length} processes are left`));
  }

  #problem(what: string): void {
    this.#world.problem(`${this.#name} (${this.account}/${this.session.id}): ${what}`);
  }
}

const clientOf = ({ stack }: World, account: string): { client: ClaudeEdge; cut: () => void } =>
  cuttableClient({ baseURL: stack.url, token: stack.token, account, maxRetries: 8 });

/** The tools whose answers an event brings. */
function answersIn(event: EdgeEvent, tools: string[]): string[] {
  if (event.kind !== "message" || event.message.type !== "user") return [];
  const text = JSON.stringify(event.message);
  return tools.filter((tool) => text.includes(answerOf(tool)));
}
