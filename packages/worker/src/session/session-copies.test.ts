import { randomUUID } from "node:crypto";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestBucket } from "../../test/support/test-bucket.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { Account } from "../http/account.js";

const { SessionDO } = await import("./session-do.js");
type SessionDO = InstanceType<typeof SessionDO>;

let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
beforeEach(() => {
  deployment = new TestDeployment();
  caller = new Account(deployment.env, "ada");
});

const withCode = (code: string) => expect.objectContaining({ code });
const listed = async () => (await caller.listSessions(undefined, 9)).sessions;

describe("a fork", () => {
  test("is listed once it is whole, and is another session", async () => {
    const { id } = await caller.createSession({ title: "One", tags: ["x"] });
    const body = new Blob(["content"]).stream() as ReadableStream<Uint8Array>;
    await caller.putFile(id, "a.txt", { body, size: 7, mode: undefined }, {});
    const fork = await caller.forkSession(id, { title: "Two" });
    expect(fork).toMatchObject({ title: "Two", tags: ["x"], forked_from: { session_id: id } });
    expect((await listed()).map(({ title }) => title).toSorted()).toEqual(["One", "Two"]);
    const opened = await caller.openFile(fork.id, "a.txt", undefined, undefined);
    expect(await new Response(opened.body).text()).toBe("content");
  });

  test("is one for each key, also when the same is asked for at the same time", async () => {
    const { id } = await caller.createSession({});
    const once = { key: "k", fingerprint: "f" };
    const ask = () => caller.forkSession(id, {}, once);
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second.id).toBe(first.id);
    expect((await caller.forkSession(id, {}, once)).id).toBe(first.id);
    expect(await listed()).toHaveLength(2);
  });

  test("that failed can be made with the same key, and is listed; one that was deleted is not made again", async () => {
    const { id } = await caller.createSession({});
    const once = { key: "k", fingerprint: "f" };
    deployment.beforeReply = (_name, method) => {
      if (method === "exportFork") throw new Error("reset");
    };
    await expect(caller.forkSession(id, {}, once)).rejects.toThrow("reset");
    expect(deployment.rows("ada", "SELECT id FROM sessions")).toHaveLength(1);
    deployment.beforeReply = () => {};
    const fork = await caller.forkSession(id, {}, once);
    expect((await listed()).map((session) => session.id)).toContain(fork.id);
    await caller.deleteSession(fork.id);
    await expect(caller.forkSession(id, {}, once)).rejects.toEqual(withCode("session_not_found"));
    expect(await listed()).toHaveLength(1);
  });

  test("that takes long is not taken for one that did not come to be", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { id } = await caller.createSession({});
    deployment.beforeReply = async (_name, method) => {
      if (method !== "exportFork") return;
      vi.setSystemTime(Date.now() + 20 * 60_000);
      // It is being copied while the account looks.
      setTimeout(() => void deployment.account.alarm(), 0);
    };
    const { beginFork } = SessionDO.prototype;
    const slow = vi.spyOn(SessionDO.prototype, "beginFork").mockImplementation(function (
      this: SessionDO,
      stream,
      once,
    ) {
      const late = new TransformStream<Uint8Array, Uint8Array>({
        start: () => new Promise((resolve) => setTimeout(resolve, 50)),
      });
      return beginFork.call(this, stream.pipeThrough(late), once);
    });
    const fork = await caller.forkSession(id, {});
    slow.mockRestore();
    vi.useRealTimers();
    expect((await listed()).map((session) => session.id)).toContain(fork.id);
  });

  test("that was cut off by a restart leaves nothing", async () => {
    const to = randomUUID();
    const stream = new TransformStream<Uint8Array, Uint8Array>();
    // It is given up when no more comes, in an object that is not there any more.
    deployment
      .session(to)
      .beginFork(stream.readable)
      .catch(() => {});
    const writer = stream.writable.getWriter();
    await writer.write(new TextEncoder().encode('{"kind":"transcript","subpath":"","entry":{}}\n'));
    const tables = () => deployment.rows(`ada/${to}`, "SELECT * FROM sqlite_master");
    await eventually(() => expect(tables()).not.toEqual([]));
    await deployment.session(to).alarm();
    expect(tables()).not.toEqual([]);
    deployment.restart(`ada/${to}`);
    await deployment.session(to).alarm();
    expect(tables()).toEqual([]);
  });

  test("that breaks off leaves nothing, and can be made again under the same id", async () => {
    const { id } = await caller.createSession({});
    const to = randomUUID();
    const broken = deployment.session(to).beginFork(new Blob(['{"kind":"blobs"']).stream());
    await expect(broken).rejects.toEqual(withCode("upload_cut"));
    expect(deployment.session(to).exists()).toBe(false);
    expect(deployment.rows(`ada/${to}`, "SELECT * FROM sqlite_master")).toEqual([]);
    expect((await caller.forkSession(id, { id: to })).id).toBe(to);
  });

  test("whose origin is deleted meanwhile leaves nothing", async () => {
    const { id } = await caller.createSession({});
    const body = new Blob(["content"]).stream() as ReadableStream<Uint8Array>;
    await caller.putFile(id, "a.txt", { body, size: 7, mode: undefined }, {});
    const { beforeReply } = deployment;
    deployment.beforeReply = async (_name, method) => {
      if (method !== "exportFork") return;
      deployment.beforeReply = beforeReply;
      await caller.deleteSession(id);
    };
    const to = randomUUID();
    await expect(caller.forkSession(id, { id: to })).rejects.toEqual(withCode("session_not_found"));
    expect(deployment.rows("ada", "SELECT id FROM sessions")).toEqual([]);
    for (const name of [id, to]) {
      expect(deployment.rows(`ada/${name}`, "SELECT * FROM sqlite_master")).toEqual([]);
    }
  });

  test("of a session that is not there is refused, and under an id that is taken too", async () => {
    const { id } = await caller.createSession({});
    await expect(caller.forkSession(randomUUID(), {})).rejects.toEqual(
      withCode("session_not_found"),
    );
    await expect(caller.forkSession(id, { id })).rejects.toEqual(withCode("session_exists"));
  });
});

describe("files in R2", () => {
  const DAY = 24 * 3_600_000;
  let bucket = new TestBucket();
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-29T12:00:00Z") });
    bucket = new TestBucket();
    deployment = new TestDeployment({ FILES: bucket.binding });
    caller = new Account(deployment.env, "ada");
  });
  afterEach(() => void vi.useRealTimers());

  const write = (session: string, content: string) => {
    const body = new Blob([content]).stream() as ReadableStream<Uint8Array>;
    return caller.putFile(session, "a.txt", { body, size: undefined, mode: undefined }, {});
  };
  const read = async (session: string) => {
    const { body } = await caller.openFile(session, "a.txt", undefined, undefined);
    return new Response(body).text();
  };
  const count = (table: string) => deployment.rows("ada", `SELECT * FROM ${table}`).length;
  /** Days on, with the account's alarms of each. */
  async function pass(days: number): Promise<void> {
    for (let day = 0; day < days; day += 1) {
      vi.setSystemTime(Date.now() + DAY);
      for (let alarms = 0; alarms < 3; alarms += 1) await deployment.account.alarm();
    }
  }

  test("are not copied by a fork, and go 30 days after the last session that has them", async () => {
    const { id } = await caller.createSession({});
    for (const content of ["one", "two"]) await write(id, content);
    const fork = await caller.forkSession(id, {});
    const second = await caller.forkSession(fork.id, {});
    expect([bucket.objects.size, count("pack_uses")]).toEqual([2, 2]);
    await caller.deleteSession(id);
    await pass(29);
    expect(bucket.objects.size).toBe(2);
    await pass(2);
    expect([bucket.objects.size, await read(fork.id)]).toEqual([1, "two"]);
    await caller.deleteSession(fork.id);
    await pass(31);
    expect(await read(second.id)).toBe("two");
    await write(second.id, "three");
    await caller.deleteSession(second.id);
    await pass(29);
    expect(bucket.objects.size).toBe(2);
    await pass(2);
    const tables = ["pack_uses", "pack_garbage", "gone_folders"].map(count);
    expect([bucket.objects.size, tables]).toEqual([0, [0, 0, 0]]);
  });

  test("that thinning leaves behind go 30 days later, and those of a fork's origin stay", async () => {
    const { id } = await caller.createSession({});
    for (const content of ["one", "two", "three"]) await write(id, content);
    const fork = await caller.forkSession(id, {});
    for (const content of ["four", "five"]) await write(fork.id, content);
    expect([bucket.objects.size, count("pack_uses")]).toEqual([5, 1]);
    await pass(2);
    for (const session of [id, fork.id]) {
      for (let alarms = 0; alarms < 3; alarms += 1) await deployment.session(session).alarm();
    }
    // Of the origin "one" and "two", of the fork "four": it began with "three".
    expect([count("pack_garbage"), bucket.objects.size]).toEqual([3, 5]);
    await pass(31);
    expect([count("pack_garbage"), bucket.objects.size]).toEqual([0, 2]);
    expect([await read(id), await read(fork.id)]).toEqual(["three", "five"]);
  });

  test("are not referred to for ever by a fork that was cut off, wherever that was", async () => {
    const { id } = await caller.createSession({});
    await write(id, "one");
    for (const cutOff of ["sharePacks", "releaseFolder"]) {
      const to = randomUUID();
      const copy = deployment.session(id).exportFork({}, to);
      const bytes = new Uint8Array(await new Response(copy).arrayBuffer());
      deployment.beforeReply = (_name, method) => {
        if (method === "sharePacks" || method === cutOff) throw new Error("reset");
      };
      const body = new Blob([bytes]).stream() as ReadableStream<Uint8Array>;
      await expect(deployment.session(to).beginFork(body)).rejects.toThrow("reset");
      deployment.beforeReply = () => {};
      expect(deployment.session(to).exists()).toBe(false);
      deployment.restart(`ada/${to}`);
      deployment.restart("ada");
      await deployment.session(to).alarm();
      expect(deployment.rows(`ada/${to}`, "SELECT * FROM sqlite_master")).toEqual([]);
    }
    await pass(31);
    expect(["pack_uses", "pack_garbage", "gone_folders"].map(count)).toEqual([0, 0, 0]);
    expect(await read(id)).toBe("one");
  });

  test("that are being written when their session is deleted do not stay, nor come into another of its id", async () => {
    const { id } = await caller.createSession({});
    const { put } = bucket;
    const [reached, deleted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    bucket.put = async (...args) => {
      reached.resolve();
      await deleted.promise;
      return put(...args);
    };
    const written = write(id, "one");
    written.catch(() => {});
    await reached.promise;
    await caller.deleteSession(id);
    await caller.createSession({ id });
    bucket.put = put;
    deleted.resolve();
    await expect(written).rejects.toEqual(withCode("session_not_found"));
    expect(bucket.objects.size).toBe(0);
    expect((await caller.listCheckpoints(id, undefined, 9)).checkpoints).toEqual([]);
  });
});
