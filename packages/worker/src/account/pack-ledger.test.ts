import { beforeEach, describe, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { TestBucket } from "../../test/support/test-bucket.js";
import { GARBAGE_MS, PackLedger } from "./pack-ledger.js";

const DAY = 24 * 3_600_000;

let bucket = new TestBucket();
let storage = accountStorage();
let ledger = new PackLedger(storage, bucket.binding, "ada", "ada");
beforeEach(() => {
  bucket = new TestBucket();
  storage = accountStorage();
  ledger = new PackLedger(storage, bucket.binding, "ada", "ada");
});

/** Packs that sessions have written. */
async function written(...packs: string[]): Promise<void> {
  for (const pack of packs) await bucket.put(`claude-edge/ada/${pack}`, new Uint8Array(1));
}
const left = () => [...bucket.objects.keys()].map((key) => key.slice("claude-edge/ada/".length));
const rows = () =>
  ["pack_uses", "pack_garbage", "gone_folders"].map(
    (table) => storage.sql.exec(`SELECT * FROM ${table}`).toArray().length,
  );

/** As the alarm does until nothing is due. */
async function sweepAll(now: number): Promise<number> {
  let sweeps = 0;
  for (; (ledger.dueAt() ?? Infinity) <= now; sweeps += 1) {
    if (sweeps > 100) throw new Error("It does not come to an end.");
    await ledger.sweep(now);
  }
  return sweeps;
}

describe("a pack that its session released", () => {
  test("stays for 30 days", async () => {
    await written("a/1", "a/2");
    ledger.release("a", ["a/1"], 0);
    ledger.release("a", ["a/1"], 5 * DAY);
    expect(ledger.dueAt()).toBe(30 * DAY);
    await sweepAll(30 * DAY - 1);
    expect(left()).toEqual(["a/1", "a/2"]);
    await sweepAll(30 * DAY);
    expect([left(), rows()]).toEqual([["a/2"], [0, 0, 0]]);
  });

  test("stays while a fork refers to it, and 30 days more", async () => {
    await written("a/1");
    ledger.share("b", ["a/1"]);
    ledger.share("c", ["a/1"]);
    ledger.release("a", ["a/1"], 0);
    await sweepAll(GARBAGE_MS);
    expect([left(), ledger.dueAt()]).toEqual([["a/1"], undefined]);
    ledger.release("b", ["a/1"], 40 * DAY);
    expect(ledger.dueAt()).toBeUndefined();
    ledger.releaseFolder("c", 50 * DAY);
    await sweepAll(50 * DAY);
    await sweepAll(80 * DAY - 1);
    expect(left()).toEqual(["a/1"]);
    await sweepAll(80 * DAY);
    expect([left(), rows()]).toEqual([[], [0, 0, 0]]);
  });

  test("is not deleted because its forks release it: the session has it", async () => {
    await written("a/1");
    ledger.share("b", ["a/1"]);
    ledger.release("b", ["a/1"], 0);
    await sweepAll(99 * DAY);
    expect([left(), rows()]).toEqual([["a/1"], [0, 0, 0]]);
  });

  test("may be released before the fork that copies it says that it uses it", async () => {
    await written("a/1");
    ledger.release("a", ["a/1"], 0);
    ledger.share("b", ["a/1"]);
    await sweepAll(31 * DAY);
    expect(left()).toEqual(["a/1"]);
  });
});

describe("the packs of a session that is gone", () => {
  test("stay for 30 days, but for those that forks refer to", async () => {
    await written("a/1", "a/2", "ab/1");
    ledger.share("b", ["a/2"]);
    ledger.releaseFolder("a", 0);
    // The call is repeated when its answer was lost.
    ledger.releaseFolder("a", 2 * DAY);
    await sweepAll(30 * DAY - 1);
    expect(left()).toHaveLength(3);
    await sweepAll(30 * DAY);
    expect(left()).toEqual(["a/2", "ab/1"]);
    ledger.release("b", ["a/2"], 40 * DAY);
    await sweepAll(70 * DAY);
    expect([left(), rows()]).toEqual([["ab/1"], [0, 0, 0]]);
  });

  test("stay 30 days after a fork released them, also when their session went shortly before", async () => {
    await written("a/1");
    ledger.share("b", ["a/1"]);
    ledger.releaseFolder("a", 0);
    ledger.releaseFolder("b", 20 * DAY);
    await sweepAll(20 * DAY);
    await sweepAll(40 * DAY);
    expect(left()).toEqual(["a/1"]);
    await sweepAll(50 * DAY);
    expect([left(), rows()]).toEqual([[], [0, 0, 0]]);
  });

  test("are kept by a fork of it once it was recovered, but for those that the fork does not have", async () => {
    await written("a/1", "a/2");
    ledger.releaseFolder("a", 0);
    ledger.share("fork", ["a/1"]);
    // The recovered session is deleted again.
    ledger.releaseFolder("a", 10 * DAY);
    await sweepAll(99 * DAY);
    expect(left()).toEqual(["a/1"]);
  });

  test("are deleted in bounded steps, and so is what it referred to", async () => {
    const packs = Array.from({ length: 2_500 }, (_, at) => `a/${at}`);
    await written(...packs);
    ledger.share("b", packs.slice(0, 1_500));
    ledger.releaseFolder("a", 0);
    let most = 0;
    const { delete: remove } = bucket;
    bucket.delete = (keys) => {
      most = Math.max(most, keys.length);
      return remove(keys);
    };
    expect(await sweepAll(30 * DAY)).toBe(3);
    expect(left()).toHaveLength(1_500);
    ledger.releaseFolder("b", 40 * DAY);
    expect(await sweepAll(40 * DAY)).toBe(2);
    await sweepAll(70 * DAY);
    expect([left(), rows()]).toEqual([[], [0, 0, 0]]);
    expect(most).toBeLessThanOrEqual(1_000);
  });

  test("are not referred to by a fork that was given up before its call arrived", () => {
    ledger.releaseFolder("b", 0);
    expect(() => ledger.share("b", ["a/1"])).toThrow(
      expect.objectContaining({ code: "upload_cut" }),
    );
    expect(rows()).toEqual([0, 1, 0]);
  });
});

describe("R2", () => {
  test("that cannot be reached is tried again later", async () => {
    await written("a/1", "a/2");
    ledger.release("a", ["a/1"], 0);
    ledger.releaseFolder("a", 0);
    const { delete: remove } = bucket;
    bucket.delete = () => Promise.reject(new Error("R2 is away"));
    await sweepAll(30 * DAY);
    expect(ledger.dueAt()).toBeGreaterThan(30 * DAY);
    bucket.delete = remove;
    await sweepAll(31 * DAY);
    expect([left(), rows()]).toEqual([[], [0, 0, 0]]);
  });

  test("is left alone by a deployment without it", async () => {
    const without = new PackLedger(storage, undefined, "ada", "ada");
    without.releaseFolder("a", 0);
    await without.sweep(99 * DAY);
    expect([without.dueAt(), rows()]).toEqual([undefined, [0, 1, 0]]);
  });
});
