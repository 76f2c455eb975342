import { setTimeout as sleep } from "node:timers/promises";

import { containersOf } from "../support/disks.ts";
import type { Chance } from "./chance.ts";
import { Conversation } from "./conversation.ts";
import { FAULTS, type Fault, type Place } from "./faults.ts";
import { median } from "./flat.ts";
import { SLEEP_AFTER_MS, type World } from "./world.ts";

const ACCOUNTS = 10;
const SESSIONS = 40;

/** Turns at a time: two cores take no more, and leave room for other work beside it. */
const WORKERS = 3;

/** A conversation is given up after so many turns, before the Agent SDK would compact it. */
const MAX_TURNS = 60;

/** Milliseconds between two faults. */
const PAUSE_MS = { least: 1_000, most: 6_000 };

/**
 * From this share of the time on, workerd and the runners of the first accounts are left to live: of a process that ends
 * every other minute nobody can say whether its memory is flat. The last half begins a little later, with warm processes.
 */
const LASTING_FROM = 0.4;
const LASTING_ACCOUNTS = 3;

/** Such an account gets a turn after this much time without one, so that its container does not sleep. Milliseconds. */
const LASTING_IDLE_MS = SLEEP_AFTER_MS / 4;

/** How long an account is left alone so that its container goes to sleep, milliseconds. */
const ALONE_MS = SLEEP_AFTER_MS + 20_000;

/** An account that was struck is let be for so many turns' time, or a slow machine would never end one. */
const CALM_TURNS = 2;

/** The same before turns have been measured, milliseconds. */
const FIRST_CALM_MS = 10_000;

interface Act {
  weight: number;
  do(conversation: Conversation, chance: Chance): Promise<unknown>;
}

/** The sessions, what is done with them, and what strikes them meanwhile. */
export class Soak {
  readonly #world: World;
  readonly #disks: string;
  readonly #chance: Chance;
  readonly #durationMs: number;
  readonly #conversations = new Set<Conversation>();
  readonly #aloneUntil = new Map<string, number>();
  readonly #usedAt = new Map<string, number>();
  readonly #struckAt = new Map<string, number>();
  readonly #over = new AbortController();
  #lastsFrom = Infinity;
  #until = Infinity;

  constructor(world: World, disks: string, chance: Chance, durationMs: number) {
    this.#world = world;
    this.#disks = disks;
    this.#chance = chance;
    this.#durationMs = durationMs;
  }

  async prepare(): Promise<void> {
    for (let number = 0; number < SESSIONS; number += 1) {
      const account = `account-${number % ACCOUNTS}`;
      this.#conversations.add(await Conversation.create(this.#world, account));
    }
  }

  async run(): Promise<void> {
    const begun = Date.now();
    this.#until = begun + this.#durationMs;
    this.#lastsFrom = begun + this.#durationMs * LASTING_FROM;
    const working = Array.from({ length: WORKERS }, () => this.#work());
    const striking = this.#strikeOn();
    // What runs then ends undisturbed.
    await sleep(this.#durationMs);
    this.#over.abort();
    await Promise.all([striking, ...working]);
  }

  /** Every session must take a next prompt. Half of them are deleted then: containers sleep with sessions and without. */
  async finish(): Promise<void> {
    const all = [...this.#conversations];
    await Promise.all(
      Array.from({ length: WORKERS }, async () => {
        for (let next = all.shift(); next; next = all.shift()) await this.#finish(next);
      }),
    );
  }

  state(): string {
    const { turns, sessions } = this.#world.counts;
    const ended = Object.values(turns).reduce((sum, count) => sum + count, 0);
    const containers = this.#world.stack.containers().length;
    return `${ended} turns, ${sessions} sessions, ${this.#world.faults.all.length} faults, ${containers} containers`;
  }

  async #finish(conversation: Conversation): Promise<void> {
    try {
      await conversation.turn(this.#chance);
      await conversation.audit();
      if (this.#chance.isBelow(0.5)) await conversation.delete();
    } catch (error) {
      this.#world.problem(`${conversation.account}: ${String(error)}`);
    } finally {
      conversation.leave();
    }
  }

  /** One thing after the other, with one conversation for a while: its process is hot for some turns, and cold for the first. */
  async #work(): Promise<void> {
    while (Date.now() < this.#until) {
      const conversation = this.#take();
      if (!conversation) {
        await sleep(100);
        continue;
      }
      try {
        for (let left = this.#chance.between(1, 4); left > 0; left -= 1) {
          if (!this.#conversations.has(conversation) || Date.now() >= this.#until) break;
          await this.#act(conversation);
        }
      } catch (error) {
        this.#world.problem(`${conversation.account}/${conversation.session.id}: ${String(error)}`);
      } finally {
        conversation.isTaken = false;
      }
    }
  }

  #take(): Conversation | undefined {
    const now = Date.now();
    const free = [...this.#conversations].filter(
      ({ isTaken, account }) => !isTaken && (this.#aloneUntil.get(account) ?? 0) < now,
    );
    const due = free.filter(({ account }) => this.#isDue(account));
    const among = due.length > 0 ? due : free;
    const conversation = among.length > 0 ? this.#chance.pick(among) : undefined;
    if (conversation) {
      conversation.isTaken = true;
      this.#usedAt.set(conversation.account, now);
    }
    return conversation;
  }

  /** Its container would go to sleep, and is to be seen for long. */
  #isDue(account: string): boolean {
    return (
      this.#isLasting(account) && Date.now() - (this.#usedAt.get(account) ?? 0) > LASTING_IDLE_MS
    );
  }

  async #act(conversation: Conversation): Promise<void> {
    if (conversation.length >= MAX_TURNS) return this.#replace(conversation);
    await this.#chance.weighted(this.#acts).do(conversation, this.#chance);
  }

  readonly #acts: Act[] = [
    { weight: 76, do: (conversation, chance) => conversation.turn(chance) },
    // The second waits for the first.
    {
      weight: 6,
      do: (conversation, chance) =>
        Promise.all([conversation.turn(chance), conversation.turn(chance)]),
    },
    { weight: 6, do: (conversation, chance) => conversation.interruptedTurn(chance) },
    { weight: 5, do: (conversation) => this.#fork(conversation) },
    { weight: 4, do: (conversation) => this.#replace(conversation) },
    { weight: 3, do: (conversation, chance) => this.#deleteDuringTurn(conversation, chance) },
  ];

  /** The branch takes the place of another session of the account, or of the one that was branched. */
  async #fork(conversation: Conversation): Promise<void> {
    const fork = await conversation.fork(this.#chance);
    const other = [...this.#conversations].find(
      ({ isTaken, account }) => !isTaken && account === conversation.account,
    );
    if (other) other.isTaken = true;
    await this.#replace(other ?? conversation, fork);
  }

  /** Deletes a session; another takes its place. */
  async #replace(conversation: Conversation, by?: Conversation): Promise<void> {
    this.#conversations.delete(conversation);
    await conversation.audit();
    await conversation.delete();
    const { account } = conversation;
    this.#conversations.add(by ?? (await Conversation.create(this.#world, account)));
  }

  async #deleteDuringTurn(conversation: Conversation, chance: Chance): Promise<void> {
    this.#conversations.delete(conversation);
    const turn = conversation.turn(chance);
    await sleep(chance.between(0, 2_000));
    await conversation.delete();
    await turn;
    this.#conversations.add(await Conversation.create(this.#world, conversation.account));
  }

  async #strikeOn(): Promise<void> {
    const long: Promise<void>[] = [];
    const { signal } = this.#over;
    while (!signal.aborted) {
      const pause = this.#chance.between(PAUSE_MS.least, PAUSE_MS.most);
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      // A container that nobody uses sleeps; then it starts again.
      if (this.#chance.isBelow(0.05)) this.#leaveAlone();
      const target = this.#target();
      if (!target) continue;
      const place = this.#placeOf(target);
      const fault = this.#faultFor(target);
      const struck = this.#strike(fault, place);
      if (fault.isLong) long.push(struck);
      else await struck;
    }
    await Promise.all(long);
  }

  /** Most faults strike where turns run. */
  #target(): Conversation | undefined {
    const turn = median(this.#world.counts.turnMs.slice(-20));
    const calmMs = turn * CALM_TURNS || FIRST_CALM_MS;
    const all = [...this.#conversations].filter(
      ({ account }) => Date.now() - (this.#struckAt.get(account) ?? 0) > calmMs,
    );
    const running = all.filter((conversation) => conversation.running > 0);
    const among = running.length > 0 && this.#chance.isBelow(0.8) ? running : all;
    const target = among.length > 0 ? this.#chance.pick(among) : undefined;
    if (target) this.#struckAt.set(target.account, Date.now());
    return target;
  }

  #isLasting(account: string): boolean {
    const number = Number(account.split("-").at(-1));
    return Date.now() >= this.#lastsFrom && number < LASTING_ACCOUNTS;
  }

  #faultFor({ account }: Conversation): Fault {
    const lasting = this.#isLasting(account);
    return this.#chance.weighted(
      FAULTS.filter(
        ({ endsRunner, endsWorkerd }) =>
          !(endsRunner && lasting) && !(endsWorkerd && Date.now() >= this.#lastsFrom),
      ),
    );
  }

  #leaveAlone(): void {
    const account = `account-${this.#chance.between(0, ACCOUNTS - 1)}`;
    if (!this.#isLasting(account)) this.#aloneUntil.set(account, Date.now() + ALONE_MS);
  }

  #placeOf({ account, session, cut }: Conversation): Place {
    const { stack } = this.#world;
    const names = new Map<string, { name: string; pid: number }>();
    for (const other of this.#conversations) {
      if (other.account !== account) continue;
      for (const container of containersOf(stack, this.#disks, other.session.id)) {
        names.set(container.name, container);
      }
    }
    return { stack, account, session, cut, containers: [...names.values()] };
  }

  async #strike(fault: Fault, place: Place): Promise<void> {
    const { name, strikes, explains = [] } = fault;
    const ended = this.#world.faults.begin({
      name,
      account: strikes === "all" ? undefined : place.account,
      session: strikes === "session" ? place.session.id : undefined,
      explains,
    });
    this.#world.note(`${name}: ${place.account}/${place.session.id}`);
    try {
      await fault.strike(place);
    } catch (error) {
      this.#world.problem(`${name} (${place.account}): ${String(error)}`);
    } finally {
      ended();
    }
  }
}
