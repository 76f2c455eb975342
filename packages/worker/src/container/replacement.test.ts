import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { SLEEP_MS, TestRunner } from "../../test/support/test-runner.js";

const TURN = "/sessions/s/turns/t";

let runner: TestRunner;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1e12 });
  runner = new TestRunner();
  vi.setSystemTime(Date.now() + SLEEP_MS);
});
afterEach(() => void vi.useRealTimers());

describe("a runner that another version of the Worker has started", () => {
  const OLD = { boot: "old", version: "0.0.1" };
  beforeEach(() => {
    runner.health = OLD;
  });

  test.each([
    ["is of another version", OLD],
    ["speaks a neighbour's protocol", { boot: "old", protocol: 2 }],
    ["speaks a protocol that is not understood", { boot: "old", protocol: 9 }],
    ["cannot run its agent", { ...OLD, error: "broken" }],
  ])("and that %s is replaced when it is idle, with its files stored", async (_what, health) => {
    runner.health = health;
    const stored: string[] = [];
    runner.storeFiles = (session) => {
      stored.push(session);
      return Promise.resolve(true);
    };
    let signals: number[] = [];
    runner.onSignal = () => {
      signals = [...runner.signals, 15];
    };
    expect(await runner.object.ensure("ada", false)).toEqual({
      boot: "b",
      container: "ada",
      launch: { ms: expect.any(Number), runner: expect.any(String), fromSnapshot: false },
    });
    expect([stored, signals, runner.starts]).toEqual([["ada/s"], [15], 1]);
  });

  test("goes on with its turns: new ones go to the stand-in, until it is idle", async () => {
    runner.busy = ["s"];
    const of = (session: string) => ({ session, container: "ada" });
    expect(await runner.object.ensure("ada", false, of("new"))).toMatchObject({ boot: "b2" });
    expect(await runner.object.ensureHere("ada", false, "s")).toMatchObject({ boot: "old" });
    expect(runner.signals).toEqual([]);
    runner.busy = [];
    expect(await runner.object.ensureHere("ada", false, "new")).toMatchObject({ boot: "b" });
  });

  test("is replaced once: an image that was not deployed stays", async () => {
    runner.nextHealth = OLD;
    for (let n = 0; n < 3; n += 1) {
      expect(await runner.object.ensure("ada", true)).toMatchObject({ boot: "old" });
    }
    expect(runner.starts).toBe(1);
  });

  test("and whose protocol stays one that is not understood is refused, with who has to be raised", async () => {
    runner.nextHealth = { protocol: 9 };
    await expect(runner.object.ensure("ada", true)).rejects.toMatchObject({
      code: "protocol_mismatch",
      message: "The container's runner speaks protocol 9, the Worker 1: raise the Worker.",
    });
    expect(runner.starts).toBe(1);
  });

  test("is not replaced under a turn that is on its way to it", async () => {
    const arrives = Promise.withResolvers<void>();
    let passed: Promise<Response> | undefined;
    runner.beforeAnswer = (path) => {
      if (path === TURN) return arrives.promise;
      if (path === "/sessions") passed ??= runner.pass("PUT", TURN);
    };
    expect(await runner.object.ensure("ada", false)).toMatchObject({ boot: "b2" });
    expect(runner.signals).toEqual([]);
    arrives.resolve();
    expect((await passed)?.ok).toBe(true);
  });

  test("takes no turn while its files are stored", async () => {
    let refused: unknown;
    runner.storeFiles = async () => {
      refused = await runner.pass("PUT", TURN).catch((error: unknown) => error);
      return true;
    };
    expect(await runner.object.ensure("ada", false)).toMatchObject({ boot: "b" });
    expect(refused).toMatchObject({ code: "container_unavailable" });
  });

  test("is told to end once: what has begun all the same runs to its end, and others go to the stand-in", async () => {
    runner.endsAt = 2;
    const wait = scheduler.wait.bind(scheduler);
    vi.spyOn(scheduler, "wait").mockImplementation((ms) => {
      vi.setSystemTime(Date.now() + ms);
      return wait(0);
    });
    expect(await runner.object.ensure("ada", false)).toMatchObject({ boot: "b2" });
    expect([runner.signals, runner.starts]).toEqual([[15], 0]);
    vi.restoreAllMocks();
  });
});

describe("a container of another image than the deployment's", () => {
  beforeEach(async () => {
    runner.image = "agent:1";
    runner.isRunning = false;
    await runner.object.ensure("ada", true);
  });

  test("is replaced when it is idle", async () => {
    await runner.object.ensure("ada", true);
    expect(runner.starts).toBe(1);
    runner.image = "agent:2";
    await runner.object.ensure("ada", true);
    await runner.object.ensure("ada", true);
    expect(runner.starts).toBe(2);
  });

  test("has no snapshot taken, which would bring that image back", async () => {
    runner.image = "agent:2";
    await runner.object.sleep("b");
    expect(runner.snapshots).toBe(0);
    await runner.object.ensure("ada", true);
    await runner.object.sleep("b");
    expect(runner.snapshots).toBe(1);
  });
});
