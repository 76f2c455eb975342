import { beforeEach, describe, expect, test } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestBucket } from "../../test/support/test-bucket.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { Account } from "../http/account.js";

let bucket = new TestBucket();
let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
beforeEach(() => {
  bucket = new TestBucket();
  deployment = new TestDeployment({ FILES: bucket.binding });
  caller = new Account(deployment.env, "ada");
  captureLog();
});

const withCode = (code: string) => expect.objectContaining({ code });
const listed = async () => (await caller.listSessions(undefined, 9)).sessions;
const tables = (id: string) => deployment.rows(`ada/${id}`, "SELECT * FROM sqlite_master");
const used = () => deployment.account.limits().used;
const write = (session: string, path: string, content: Uint8Array) => {
  const body = new Blob([content as Uint8Array<ArrayBuffer>]).stream();
  return caller.putFile(session, path, { body, size: undefined, mode: undefined }, {});
};

/** A session with a file in R2 and a turn that runs. */
async function busySession() {
  const { id } = await caller.createSession({});
  await write(id, "a.txt", new Uint8Array(7));
  const { turn } = await caller.createTurn(id, { prompt: "hello" });
  const log = deployment.container.logOf(id);
  log.say({ kind: "turn", turn: turn.id, status: "running" });
  await eventually(() =>
    expect(deployment.rows(`ada/${id}`, "SELECT max(cursor) AS cursor FROM events")).toEqual([
      { cursor: 1 },
    ]),
  );
  return id;
}

/** Has the next call that `isIt` never come back. Resolves when it was made. */
function hang(isIt: (method: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    deployment.beforeReply = async (_name, method) => {
      if (!isIt(method)) return;
      deployment.beforeReply = () => {};
      resolve();
      await new Promise(() => {});
    };
  });
}

describe("a deletion that is cut off by a restart is finished by the alarm", () => {
  const STEPS: [string, () => Promise<void>][] = [
    [
      "when the runner was told",
      () =>
        new Promise((resolve) => {
          deployment.container.answer = (call) => {
            if (!call.startsWith("DELETE")) return {};
            deployment.container.answer = () => ({});
            deployment.container.resetObject();
            resolve();
            return {};
          };
        }),
    ],
    ["when the account was told of the end", () => hang((method) => method === "notify")],
    ["when the account had removed it", () => hang((method) => method === "removeSession")],
  ];
  test.each(STEPS)("%s", async (_name, reached) => {
    const id = await busySession();
    expect(bucket.objects.size).toBe(1);
    const cut = reached();
    caller.deleteSession(id).catch(() => {});
    await cut;
    deployment.restart(`ada/${id}`);
    await expect(caller.getSession(id)).rejects.toEqual(withCode("session_not_found"));
    await deployment.session(id).alarm();
    expect([tables(id), await listed()]).toEqual([[], []]);
    expect(deployment.rows("ada", "SELECT * FROM pack_garbage")).toHaveLength(1);
    expect(used()).toMatchObject({ running_turns: 0, queued_turns: 0 });
    expect((await caller.call("usage", {})).total.turns).toBe(1);
  });
});

describe("a session that is being deleted", () => {
  test("is gone for callers when the account cannot be reached, and is deleted with the next call", async () => {
    const id = await busySession();
    deployment.beforeReply = (_name, method) => {
      if (method === "removeSession") throw new Error("unreachable");
    };
    await expect(caller.deleteSession(id)).rejects.toThrow("unreachable");
    await expect(caller.getSession(id)).rejects.toEqual(withCode("session_not_found"));
    await expect(caller.createTurn(id, { prompt: "x" })).rejects.toEqual(
      withCode("session_not_found"),
    );
    expect(tables(id)).not.toEqual([]);
    expect(used().running_turns).toBe(0);
    deployment.beforeReply = () => {};
    await caller.deleteSession(id);
    expect(tables(id)).toEqual([]);
    await expect(caller.deleteSession(id)).rejects.toEqual(withCode("session_not_found"));
  });

  test("tells its readers, and who waits for a turn, how that ended", async () => {
    const id = await busySession();
    const [turn] = (await caller.listTurns(id, undefined, 9)).turns;
    const reading = new Response(await caller.events(id, 0)).text();
    const ofTurn = new Response(await caller.events(id, 0, { turn: turn!.id })).text();
    const waiting = caller.waitForTurn(id, turn!.id);
    await caller.deleteSession(id);
    const ended = { status: "interrupted", error: { message: "The session was deleted." } };
    for (const text of await Promise.all([reading, ofTurn])) {
      const last = text.trim().split("\n\n").at(-1)!;
      const data = last.split("\n").find((line) => line.startsWith("data: "))!;
      expect(JSON.parse(data.slice(6))).toMatchObject(ended);
    }
    expect(await waiting).toMatchObject(ended);
  });

  test("does not wait for a reader that reads nothing", async () => {
    const id = await busySession();
    const body = await caller.events(id, 0);
    await caller.deleteSession(id);
    expect(tables(id)).toEqual([]);
    expect(await new Response(body).text()).toBe("");
  });

  test("is deleted also when the end of its turns cannot be stored", async () => {
    const id = await busySession();
    deployment.rows(
      `ada/${id}`,
      "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    await caller.deleteSession(id);
    expect(tables(id)).toEqual([]);
  });

  test("is not in the way of another of its id, which comes after it", async () => {
    const id = await busySession();
    deployment.beforeReply = (_name, method) => {
      if (method === "removeSession") throw new Error("unreachable");
    };
    await expect(caller.deleteSession(id)).rejects.toThrow("unreachable");
    await expect(caller.createSession({ id })).rejects.toThrow("unreachable");
    deployment.beforeReply = () => {};
    await caller.createSession({ id, title: "again" });
    expect(await listed()).toMatchObject([{ id, title: "again" }]);
    expect((await caller.listEvents(id, 0)).events).toEqual([]);
    expect((await caller.listCheckpoints(id, undefined, 9)).checkpoints).toEqual([]);
  });

  test("is deleted once, however often that is asked for at the same time", async () => {
    const id = await busySession();
    await Promise.all([1, 2, 3].map(() => caller.deleteSession(id)));
    expect(tables(id)).toEqual([]);
    const { calls } = deployment.container;
    expect(calls.filter(({ call }) => call.startsWith("DELETE"))).toHaveLength(1);
  });

  test("is forgotten by its runner although the container's object is reset", async () => {
    const id = await busySession();
    let asked = 0;
    deployment.container.answer = (call) => {
      if (call.startsWith("DELETE") && (asked += 1) === 1) deployment.container.resetObject();
      return {};
    };
    await caller.deleteSession(id);
    expect(asked).toBe(2);
  });

  test("ends what reads its files with an error, not as if that were all", async () => {
    deployment = new TestDeployment();
    caller = new Account(deployment.env, "ada");
    const { id } = await caller.createSession({});
    await write(id, "a.bin", new Uint8Array(8 * 1024 * 1024));
    const body = await caller.tarFiles(id, "", undefined);
    const reader = body.getReader();
    await reader.read();
    await caller.deleteSession(id);
    const rest = (async () => {
      while (!(await reader.read()).done);
    })();
    await expect(rest).rejects.toThrow();
  });
});
