import { SPARE_RESERVED_MS } from "@claude-edge/protocol/runner";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Spares } from "./spares.js";

class FakeProcess {
  alive = true;

  async close(): Promise<void> {
    this.alive = false;
  }
}

let processes: Map<string, FakeProcess>;
let dropped: string[];
let hasCapacity: boolean;
/** How often a process could not be started. */
let failures: number;
let isBroken: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  processes = new Map();
  dropped = [];
  hasCapacity = true;
  failures = 0;
  isBroken = false;
});
afterEach(() => {
  vi.useRealTimers();
});

const sparesOf = (wanted = 1) => {
  const spares = new Spares<FakeProcess>(wanted, {
    prepare: async (id) => {
      if (isBroken) {
        failures += 1;
        throw new Error("no process");
      }
      const process = new FakeProcess();
      processes.set(id, process);
      return process;
    },
    hasCapacity: () => hasCapacity,
    onDropped: (id) => dropped.push(id),
  });
  spares.scheduleRefill();
  return spares;
};
/** Time for a spare to be prepared. */
const refill = () => vi.advanceTimersByTimeAsync(600);
const ids = () => [...processes.keys()];

describe("a spare", () => {
  test("is prepared when the container has capacity, as many as are wanted", async () => {
    hasCapacity = false;
    const spares = sparesOf(2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ids()).toEqual([]);
    hasCapacity = true;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ids()).toHaveLength(2);
    expect(ids().every((id) => spares.has(id))).toBe(true);
  });

  test("is reserved once: the next reservation gets another one or none", async () => {
    const spares = sparesOf();
    expect(spares.reserve(false)).toBeUndefined();
    await refill();
    const [first] = ids();
    expect(spares.reserve(true)).toBeUndefined();
    expect(spares.reserve(false)).toBe(first);
    expect(spares.reserve(false)).toBeUndefined();
    // One that is reserved is replaced.
    await refill();
    expect(spares.reserve(false)).toBe(ids()[1]);
  });

  test("is prepared however often it is asked for meanwhile", async () => {
    const spares = sparesOf();
    for (let asked = 0; asked < 10 && spares.reserve(false) === undefined; asked += 1) {
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(ids()).toHaveLength(1);
  });

  test("that is taken is gone, and its reservation with it", async () => {
    const spares = sparesOf();
    await refill();
    const id = spares.reserve(false)!;
    expect(spares.take(id)?.process).toBe(processes.get(id));
    expect(spares.take(id)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2 * SPARE_RESERVED_MS);
    expect(processes.get(id)!.alive).toBe(true);
    expect(spares.has(id)).toBe(false);
  });

  test("that was reserved and not taken in time is ended: its id may be a session's", async () => {
    const spares = sparesOf();
    await refill();
    const id = spares.reserve(false)!;
    await vi.advanceTimersByTimeAsync(SPARE_RESERVED_MS - 1);
    expect(spares.has(id)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(dropped).toEqual([id]);
    expect(processes.get(id)!.alive).toBe(false);
    expect(spares.reserve(false)).toBe(ids()[1]);
  });

  test("that was reserved and given back is free again, or is ended when another is there in its place", async () => {
    const spares = sparesOf();
    await refill();
    const first = spares.reserve(false)!;
    spares.release(first);
    expect(spares.reserve(false)).toBe(first);
    await refill();
    expect(ids()).toHaveLength(2);
    spares.release(first);
    expect(dropped).toEqual([first]);
    expect(processes.get(first)!.alive).toBe(false);
    // Not its own reservation, and not one that ended meanwhile.
    spares.release(first);
    spares.release(ids()[1]!);
    await vi.advanceTimersByTimeAsync(2 * SPARE_RESERVED_MS);
    expect(spares.reserve(false)).toBe(ids()[1]);
  });

  test("that has died is not handed out, and is replaced", async () => {
    const spares = sparesOf();
    await refill();
    processes.get(ids()[0]!)!.alive = false;
    expect(spares.reserve(false)).toBeUndefined();
    expect(dropped).toEqual([ids()[0]]);
    await refill();
    expect(spares.reserve(false)).toBe(ids()[1]);
  });

  test("of the other kind makes way for those that are expected, unless it is reserved", async () => {
    const spares = sparesOf();
    await refill();
    const reserved = spares.reserve(false)!;
    await refill();
    const free = ids()[1]!;
    spares.expect({ asks: true });
    spares.scheduleRefill();
    await refill();
    expect(dropped).toEqual([free]);
    expect([spares.has(reserved), spares.has(free)]).toEqual([true, false]);
    expect(spares.reserve(true)).toBe(ids()[2]);
  });

  test("with other variables than those that are expected makes way too, and is not handed out", async () => {
    const spares = sparesOf();
    await refill();
    const [first] = ids();
    const kind = { asks: false, variables: { KEY: "ce_secret_a_1" } };
    spares.expect(kind);
    expect(spares.reserve(false)).toBeUndefined();
    spares.scheduleRefill();
    await refill();
    expect(dropped).toEqual([first]);
    const id = spares.reserve(false)!;
    expect(id).toBe(ids()[1]);
    expect(spares.take(id)!.kind).toEqual(kind);
  });

  test("is dropped for its memory: a free one or a reserved one, as asked", async () => {
    const spares = sparesOf();
    await refill();
    expect(spares.dropOne("reserved")).toBe(false);
    const id = spares.reserve(false)!;
    expect(spares.dropOne("free")).toBe(false);
    expect(spares.dropOne("reserved")).toBe(true);
    expect(dropped).toEqual([id]);
  });

  test("that could not be started is tried again, ever later, and soon once it works", async () => {
    isBroken = true;
    const spares = sparesOf();
    await refill();
    expect(failures).toBe(1);
    // However often it is asked for.
    for (let n = 0; n < 10; n += 1) spares.scheduleRefill();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(failures).toBe(1);
    await vi.advanceTimersByTimeAsync(24 * 3_600_000);
    expect(failures).toBeGreaterThan(140);
    expect(failures).toBeLessThan(160);
    expect(dropped).toHaveLength(failures);
    isBroken = false;
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    const id = spares.reserve(false)!;
    expect(id).toBe(ids()[0]);
    await refill();
    isBroken = true;
    spares.take(ids()[1]!);
    spares.scheduleRefill();
    const before = failures;
    await vi.advanceTimersByTimeAsync(6_500);
    expect(failures - before).toBe(2);
  });

  test("ends with its runner, and so does one that is being prepared", async () => {
    const spares = sparesOf();
    await refill();
    spares.reserve(false);
    await spares.close();
    expect(processes.get(ids()[0]!)!.alive).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ids()).toHaveLength(1);
  });
});
