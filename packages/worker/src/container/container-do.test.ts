import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { SLEEP_MS, TestRunner } from "../../test/support/test-runner.js";

const TURN = "/sessions/s/turns/t";

let runner: TestRunner;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1e12 });
  runner = new TestRunner();
  vi.setSystemTime(Date.now() + SLEEP_MS);
});
afterEach(() => void vi.useRealTimers());

test("a container that runs already has its timeout set again: that was lost with the object's memory", () => {
  expect(runner.timeouts).toEqual([SLEEP_MS + 5 * 60_000]);
});

test("a container is not waited for to end, which would keep its object in memory", async () => {
  runner.idleMs = 0;
  await runner.object.alarm();
  await runner.pass("PUT", TURN);
  expect(runner.monitored).toBe(0);
});

test("a container's starts and ends are logged, each once: also one that ended by itself", async () => {
  const logged = captureLog();
  await runner.object.ensure("ada", false);
  expect(logged).toEqual([]);
  runner.isRunning = false;
  await runner.object.alarm();
  await runner.object.alarm();
  await runner.object.ensure("ada", false);
  await runner.object.ensure("ada", false);
  await runner.object.sleep("b");
  const about = { level: "info", account: "ada", container: "ada" };
  expect(logged).toMatchObject([
    { ...about, message: "container ended", reason: "itself" },
    { ...about, message: "container started", from_snapshot: false },
    { ...about, message: "container ended", reason: "lost" },
  ]);
});

test("a container that runs without an alarm, since its object was reset, gets one", async () => {
  expect(await runner.storage.getAlarm()).toBe(Date.now() + SLEEP_MS);
});

describe("a container that has been idle", () => {
  test("is put to sleep by an object that its alarm has loaded: the runtime unloads it after ten seconds", async () => {
    const fresh = new TestRunner();
    await fresh.object.alarm();
    expect(fresh.signals).toEqual([15]);
  });

  test("is looked at again when it could not be put to sleep", async () => {
    captureLog();
    runner.onSignal = () => {
      throw new Error("no");
    };
    await runner.object.alarm();
    expect(await runner.storage.getAlarm()).toBe(Date.now() + 60_000);
    runner.onSignal = () => {};
    await runner.object.alarm();
    expect(runner.signals).toEqual([15]);
    expect(await runner.storage.getAlarm()).toBeNull();
  });

  test("has the files of ten sessions stored at a time, and of none after ten minutes", async () => {
    runner.sessions = Array.from({ length: 25 }, (_, n) => String(n));
    let [open, most, asked] = [0, 0, 0];
    runner.storeFiles = async () => {
      asked += 1;
      most = Math.max(most, (open += 1));
      await new Promise(setImmediate);
      open -= 1;
      return true;
    };
    await runner.object.alarm();
    expect([most, asked, runner.signals]).toEqual([10, 25, [15]]);

    runner = new TestRunner();
    vi.setSystemTime(Date.now() + SLEEP_MS);
    runner.sessions = Array.from({ length: 25 }, (_, n) => String(n));
    asked = 0;
    runner.storeFiles = () => {
      if ((asked += 1) === 10) vi.setSystemTime(Date.now() + 10 * 60_000);
      return Promise.resolve(true);
    };
    await runner.object.alarm();
    expect([asked, runner.signals]).toEqual([10, []]);
    expect(await runner.storage.getAlarm()).toBe(Date.now() + 5_000);
  });

  test("is put to sleep, with its sessions' files stored", async () => {
    await runner.object.alarm();
    expect(runner.signals).toEqual([15]);
  });

  test("is not put to sleep under a turn that is on its way to it", async () => {
    let looks = 0;
    runner.beforeAnswer = async (path) => {
      if (path === "/sessions" && (looks += 1) === 2) await runner.pass("PUT", TURN);
    };
    await runner.object.alarm();
    expect(runner.signals).toEqual([]);
    expect(await runner.storage.getAlarm()).toBe(Date.now() + SLEEP_MS);
  });

  test("takes no turn while it is being put to sleep", async () => {
    let refused: unknown;
    let looks = 0;
    runner.beforeAnswer = async (path) => {
      // The last thing that is asked before it is told to end.
      if (path === "/health" && (looks += 1) === 2) {
        refused = await runner.pass("PUT", TURN).catch((error: unknown) => error);
      }
    };
    await runner.object.alarm();
    expect(refused).toMatchObject({ code: "container_unavailable" });
    expect(runner.requests).not.toContain(TURN);
    expect(runner.signals).toEqual([15]);
  });

  test("takes a turn while a stop is found to be meant for an earlier runner", async () => {
    await runner.object.ensure("ada", false, { session: "s", container: "ada" });
    const stop = runner.object.sleep("an earlier one");
    expect((await runner.pass("PUT", TURN)).ok).toBe(true);
    await stop;
    expect(runner.signals).toEqual([]);
  });

  test("has its files tried to be stored as often as ever after it was used again", async () => {
    runner.storeFiles = () => Promise.resolve(false);
    for (let n = 0; n < 2; n += 1) await runner.object.alarm();
    runner.idleMs = 0;
    await runner.object.alarm();
    runner.idleMs = 1e9;
    for (let n = 0; n < 2; n += 1) await runner.object.alarm();
    expect(runner.signals).toEqual([]);
    const logged = captureLog();
    await runner.object.alarm();
    expect(runner.signals).toEqual([15]);
    expect(logged).toMatchObject([
      { level: "error", message: "files not stored before the container sleeps" },
      { level: "info", message: "container ended", reason: "idle" },
    ]);
  });
});

describe("a runner that does not answer", () => {
  const SILENT = () => Promise.reject(new Error("timeout"));
  const later = async (ms: number) => {
    vi.setSystemTime(Date.now() + ms);
    await runner.object.alarm();
  };
  beforeEach(() => void captureLog());

  test("is looked at every ten seconds, and its container ended after a minute", async () => {
    runner.beforeAnswer = SILENT;
    await runner.object.alarm();
    expect(await runner.storage.getAlarm()).toBe(Date.now() + 10_000);
    await later(59_000);
    expect(runner.signals).toEqual([]);
    await later(1_000);
    expect(runner.signals).toEqual([15]);
  });

  test("is taken to hang also when it only says that it is healthy", async () => {
    runner.beforeAnswer = (path) => (path === "/sessions" ? SILENT() : undefined);
    await runner.object.alarm();
    await later(60_000);
    expect(runner.signals).toEqual([15]);
  });

  test("and answers again in between has its minute anew", async () => {
    runner.idleMs = 0;
    runner.beforeAnswer = SILENT;
    await runner.object.alarm();
    runner.beforeAnswer = () => {};
    await later(50_000);
    runner.beforeAnswer = SILENT;
    await later(10_000);
    await later(50_000);
    expect(runner.signals).toEqual([]);
    await later(10_000);
    expect(runner.signals).toEqual([15]);
  });
});

describe("a runner that drains", () => {
  beforeEach(() => {
    runner.health = { draining: true };
  });

  test("has its idle sessions' files stored, once, and new turns go to the stand-in", async () => {
    const stored: string[] = [];
    runner.storeFiles = (session) => {
      stored.push(session);
      return Promise.resolve(true);
    };
    await Promise.all([runner.object.onDraining("b"), runner.object.onDraining("b")]);
    expect(stored).toEqual(["ada/s"]);
    expect(await runner.object.ensure("ada", false)).toEqual({ boot: "b2", container: "ada/2" });
    expect(runner.signals).toEqual([]);
  });

  test("is not given to anybody", async () => {
    await expect(runner.object.ensureHere("ada", false)).rejects.toMatchObject({
      code: "container_unavailable",
      details: { reason: "draining" },
    });
  });

  test("has a turn of the session is its place still: it may have taken a turn whose answer was lost", async () => {
    runner.busy = ["s"];
    const of = (session: string) => ({ session, container: "ada" });
    expect(await runner.object.ensure("ada", true, of("s"))).toEqual({
      boot: "b",
      container: "ada",
    });
    expect(await runner.object.ensure("ada", true, of("other"))).toMatchObject({ boot: "b2" });
  });
});

test("a runner that does not end at once is told twice: it may still have a turn", async () => {
  runner.endsAt = 2;
  await runner.object.sleep("b");
  expect(runner.signals).toEqual([15, 15]);
});

describe("a container whose start fails", () => {
  beforeEach(() => {
    runner.isRunning = false;
    // Its object waits for a pause longer each time.
    const wait = scheduler.wait.bind(scheduler);
    vi.spyOn(scheduler, "wait").mockImplementation(() => wait(0));
  });
  afterEach(() => void vi.restoreAllMocks());

  test("before anything has run is started again", async () => {
    runner.failingStarts = 3;
    expect(await runner.object.ensure("ada", false)).toMatchObject({ boot: "b" });
    expect(runner.starts).toBe(4);
  });

  test("every time is given up after four", async () => {
    runner.failingStarts = 9;
    await expect(runner.object.ensure("ada", false)).rejects.toMatchObject({
      code: "container_unavailable",
      message: "The container ended at its start: Container failed to start",
      details: { reason: "exited" },
    });
    expect(runner.starts).toBe(4);
  });

  test("by an end of its own is not started again: its image would do the same", async () => {
    runner.failingStarts = 9;
    runner.exitReason = "Container exited with unexpected exit code: 1";
    await expect(runner.object.ensure("ada", false)).rejects.toMatchObject({
      message: "The container ended at its start: Container exited with unexpected exit code: 1",
    });
    expect(runner.starts).toBe(1);
  });
});
