import { randomUUID } from "node:crypto";

import type { CreateSessionRequest } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { inChunks } from "../../test/support/test-blobs.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { streamOf } from "../files/byte-reader.js";
import { Account } from "../http/account.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
const deploy = (variables: { CLAUDE_EDGE_RETENTION?: string } = {}) => {
  deployment = new TestDeployment(variables);
  caller = new Account(deployment.env, "ada");
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 1) });
  deploy();
});
afterEach(() => void vi.useRealTimers());

const create = async (request: CreateSessionRequest = {}) =>
  (await caller.createSession(request)).id;
const pass = (id: string, ms: number) => deployment.passTime(`ada/${id}`, ms);
const isThere = (id: string) => deployment.session(id).exists();
const tables = (id: string) => deployment.rows(`ada/${id}`, "SELECT name FROM sqlite_master");
/** When it is due, from now. */
const dueIn = async (id: string) => {
  const { expires_at: at } = await caller.getSession(id);
  return at === undefined ? undefined : Date.parse(at) - Date.now();
};
const write = (id: string, body = streamOf(inChunks("x"))) =>
  caller.putFile(id, "a.txt", { body, size: undefined, mode: undefined }, {});

/** Time stands still meanwhile, which `vi.waitFor` would move. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let round = 0; !(await isSo()); round += 1) {
    if (round > 10_000) throw new Error("It does not come to be.");
    await new Promise(setImmediate);
  }
}

/** A turn that runs, and how its runner goes on. */
async function running(id: string) {
  const { turn } = await caller.createTurn(id, { prompt: "x" });
  const log = deployment.container.logOf(id);
  const status = async () => (await caller.getTurn(id, turn.id)).status;
  log.say({ kind: "turn", turn: turn.id, status: "running" });
  return {
    async end() {
      log.say({ kind: "turn", turn: turn.id, status: "completed" });
      await until(async () => (await status()) === "completed");
    },
    async wait() {
      const payload = { tool_name: "Bash", tool_use_id: "use", input: {}, options: {} };
      const request = { id: "ask", kind: "permission" as const, payload };
      log.say({ kind: "request", turn: turn.id, request });
      log.say({ kind: "turn", turn: turn.id, status: "waiting" });
      await until(async () => (await status()) === "waiting");
    },
  };
}

describe("a session with a time of its own", () => {
  test("is deleted by its alarm when that is over, as DELETE does it", async () => {
    const id = await create({ expires_in: 60 });
    expect(await caller.getSession(id)).toMatchObject({
      expires_in: 60,
      expires_at: "2026-11-01T00:01:00.000Z",
    });
    const { sessions } = await caller.listSessions(undefined, 9);
    expect(sessions).toMatchObject([{ id, expires_at: "2026-11-01T00:01:00.000Z" }]);
    await pass(id, MINUTE - 1);
    expect(isThere(id)).toBe(true);
    await pass(id, 1);
    expect(isThere(id)).toBe(false);
    expect(tables(id)).toEqual([]);
    expect((await caller.listSessions(undefined, 9)).sessions).toEqual([]);
    await expect(caller.getSession(id)).rejects.toMatchObject({ code: "session_not_found" });
  });

  test("is kept from its last activity on: a turn's end, a change of its files", async () => {
    const id = await create({ expires_in: 60 });
    await pass(id, 50_000);
    const turn = await running(id);
    await turn.end();
    expect(await dueIn(id)).toBe(MINUTE);
    await pass(id, 50_000);
    await write(id);
    expect(await dueIn(id)).toBe(MINUTE);
    await pass(id, 50_000);
    expect(await dueIn(id)).toBe(10_000);
    await pass(id, 10_000);
    expect(isThere(id)).toBe(false);
  });

  test("is kept when it is only read, and no longer for it", async () => {
    const id = await create({ expires_in: 60 });
    await pass(id, 50_000);
    await caller.getSession(id);
    await caller.updateSession(id, { title: "New" });
    expect(await dueIn(id)).toBe(10_000);
  });

  test("can be given another, which begins then, or none", async () => {
    const id = await create({ expires_in: 3_600 });
    await pass(id, 50 * MINUTE);
    const changed = await caller.updateSession(id, { expires_in: 60 });
    expect(changed).toMatchObject({ expires_in: 60, expires_at: "2026-11-01T00:51:00.000Z" });
    const kept = await caller.updateSession(id, { expires_in: "never" });
    expect(kept).not.toHaveProperty("expires_in");
    expect(kept).not.toHaveProperty("expires_at");
    await pass(id, 400 * DAY);
    expect(isThere(id)).toBe(true);
    await caller.updateSession(id, { expires_in: 1 });
    await pass(id, 1_000);
    expect(isThere(id)).toBe(false);
  });

  test("gives it to its forks", async () => {
    const id = await create({ expires_in: 60 });
    await pass(id, 30_000);
    const fork = await caller.forkSession(id, {});
    expect(fork).toMatchObject({ expires_in: 60, expires_at: "2026-11-01T00:01:30.000Z" });
    await pass(fork.id, MINUTE);
    expect(isThere(fork.id)).toBe(false);
  });

  test("may have it from its first prompt", async () => {
    const { turn } = await caller.query({ prompt: "x", expires_in: 60 });
    const session = await caller.getSession(turn.session_id);
    expect(session.expires_in).toBe(60);
    expect(session).not.toHaveProperty("expires_at");
  });

  test("is deleted after a restart of its object too", async () => {
    const id = await create({ expires_in: 60 });
    deployment.restart(`ada/${id}`);
    await pass(id, MINUTE);
    expect(isThere(id)).toBe(false);
  });
});

describe("a session that is due", () => {
  test("stays while a turn runs or waits for an answer, however long", async () => {
    const id = await create({ expires_in: 60 });
    const turn = await running(id);
    expect(await dueIn(id)).toBeUndefined();
    await pass(id, 10 * MINUTE);
    expect(isThere(id)).toBe(true);
    await turn.wait();
    expect(await dueIn(id)).toBeUndefined();
    await pass(id, 6 * DAY);
    expect((await caller.getSession(id)).status).toBe("waiting");
    // The time for answers is over, and with it the turn.
    await caller.interrupt(id);
    expect(await dueIn(id)).toBe(MINUTE);
    await pass(id, MINUTE);
    expect(isThere(id)).toBe(false);
  });

  test("stays while a prompt for it is being admitted, and the turn runs", async () => {
    const id = await create({ expires_in: 60 });
    deployment.beforeReply = async (_name, method) => {
      if (method === "admitTurn") await pass(id, 2 * MINUTE);
    };
    await running(id);
    expect((await caller.getSession(id)).status).toBe("running");
  });

  test("stays while a file is being written to it", async () => {
    const id = await create({ expires_in: 60 });
    let isOver = false;
    async function* slow() {
      yield new Uint8Array(1);
      await pass(id, 2 * MINUTE);
      isOver = true;
    }
    await write(id, streamOf(slow()));
    expect(isOver).toBe(true);
    expect(await dueIn(id)).toBe(MINUTE);
  });

  test("is tried again when it cannot be deleted", async () => {
    captureLog();
    const id = await create({ expires_in: 60 });
    deployment.beforeReply = (_name, method) => {
      if (method === "removeSession") throw new Error("unreachable");
    };
    await pass(id, MINUTE);
    // It is gone for callers, and the rest goes when the account can be reached.
    expect(isThere(id)).toBe(false);
    expect(tables(id)).not.toEqual([]);
    deployment.beforeReply = () => {};
    await pass(id, MINUTE);
    expect(tables(id)).toEqual([]);
  });
});

describe("a deployment that keeps sessions for a time", () => {
  test("deletes them when it is over", async () => {
    deploy({ CLAUDE_EDGE_RETENTION: "30d" });
    const id = await create();
    expect(await dueIn(id)).toBe(30 * DAY);
    await pass(id, 30 * DAY - 1);
    expect(isThere(id)).toBe(true);
    await pass(id, 1);
    expect(isThere(id)).toBe(false);
  });

  test("keeps none longer, whatever time it was given", async () => {
    deploy({ CLAUDE_EDGE_RETENTION: "30d" });
    const ids = [
      await create({ expires_in: 60 }),
      await create({ expires_in: 90 * 86_400 }),
      await create({ expires_in: "never" }),
    ];
    expect(await Promise.all(ids.map(dueIn))).toEqual([MINUTE, 30 * DAY, 30 * DAY]);
  });

  test("lets one that was there before stay a moment when it is next used", async () => {
    const id = await create();
    await pass(id, 40 * DAY);
    deployment.env.CLAUDE_EDGE_RETENTION = "30d";
    deployment.restart(`ada/${id}`);
    expect(await dueIn(id)).toBe(-10 * DAY);
    await pass(id, MINUTE);
    expect(isThere(id)).toBe(false);
  });

  test("reaches also those that nobody uses: the account wakes them, some at a time", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 52; n += 1) ids.push(await create());
    const asked = await create();
    await (await running(asked)).wait();
    vi.setSystemTime(Date.now() + 40 * DAY);
    const used = await create();
    const woken: string[] = [];
    deployment.beforeCall = (name, method) => {
      if (method === "exists") woken.push(name.slice("ada/".length));
    };
    deployment.env.CLAUDE_EDGE_RETENTION = "30d";
    for (const id of ids) deployment.restart(`ada/${id}`);
    deployment.restart("ada");
    await caller.call("limits");
    await until(async () => (await deployment.alarmOf("ada"))! <= Date.now() + 1_000);
    await deployment.account.alarm();
    expect(woken).toHaveLength(50);
    for (const id of woken) await pass(id, MINUTE);
    expect(woken.some(isThere)).toBe(false);
    await deployment.account.alarm();
    expect(woken.toSorted()).toEqual(ids.toSorted());
    for (const id of woken.slice(50)) await pass(id, MINUTE);
    const { sessions } = await caller.listSessions(undefined, 99);
    expect(sessions.map(({ id }) => id).toSorted()).toEqual([asked, used].toSorted());

    // It looks again when the next may be due, and at most a day later.
    deployment.restart("ada");
    await deployment.storageOf("ada").deleteAlarm();
    await deployment.account.alarm();
    expect(await deployment.alarmOf("ada")).toBe(Date.now() + DAY);
    expect(woken).toHaveLength(52);
  });

  test("takes one that is gone from the list, and asks one that is out of reach again in an hour", async () => {
    captureLog();
    const [gone, away] = [await create(), await create()];
    await deployment.storageOf(`ada/${gone}`).deleteAll();
    deployment.restart(`ada/${gone}`);
    deployment.unreachable.add(`ada/${away}`);
    vi.setSystemTime(Date.now() + 40 * DAY);
    deployment.env.CLAUDE_EDGE_RETENTION = "30d";
    deployment.restart("ada");
    await deployment.account.alarm();
    const { sessions } = await caller.listSessions(undefined, 99);
    expect(sessions).toMatchObject([{ id: away }]);
    let asked = 0;
    deployment.beforeCall = (_name, method) => void (asked += method === "exists" ? 1 : 0);
    await deployment.account.alarm();
    expect(asked).toBe(0);
    vi.setSystemTime(Date.now() + 60 * MINUTE);
    await deployment.account.alarm();
    expect(asked).toBe(1);
  });

  test("deletes nothing when that time cannot be read", async () => {
    deploy({ CLAUDE_EDGE_RETENTION: "a while" });
    const id = await create();
    await pass(id, 400 * DAY);
    expect(isThere(id)).toBe(true);
  });

  test("leaves requests of the Messages API, which have a life of their own", async () => {
    deploy({ CLAUDE_EDGE_RETENTION: "1s" });
    const [session, turn] = [randomUUID(), randomUUID()];
    const message = { max_tokens: 8 } as never;
    await caller.createMessage({
      session,
      turn,
      options: {},
      transcript: [],
      prompt: "x",
      message,
    });
    expect(await dueIn(session)).toBeUndefined();
  });
});
