import type { LogEntry } from "@claude-edge/protocol/internal";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { inChunks } from "../../test/support/test-blobs.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { TestSession } from "../../test/support/test-session.js";
import { streamOf } from "../files/byte-reader.js";
import { Account } from "../http/account.js";

const full = expect.objectContaining({ code: "storage_full" });
const LIMIT = { CLAUDE_EDGE_OBJECT_MIB: "2" };
const PAGE = 4_096;

/** Fills a database up to a share of what it may store. */
function fill({ sql }: Pick<DurableObjectStorage, "sql">, share: number): void {
  sql.exec("CREATE TABLE IF NOT EXISTS filler (data BLOB)");
  const pages = Math.ceil((2 * 1024 ** 2 * share - sql.databaseSize) / PAGE);
  for (let page = 0; page < pages; page += 1) {
    sql.exec("INSERT INTO filler VALUES (zeroblob(?))", PAGE - 100);
  }
}

let logged: LogEntry[] = [];
beforeEach(() => void (logged = captureLog()));
afterEach(() => void vi.restoreAllMocks());

describe("a session whose storage is nearly full", () => {
  test("takes no prompt and no file, ends its running turn, and can be deleted", async () => {
    const deployment = new TestDeployment(LIMIT);
    const caller = new Account(deployment.env, "ada");
    const { id } = await caller.createSession({});
    const idempotency = { key: "k", fingerprint: "f" };
    const { turn } = await caller.createTurn(id, { prompt: "hello" }, { idempotency });
    fill(deployment.storageOf(`ada/${id}`), 0.8);
    await expect(caller.createTurn(id, { prompt: "more" })).rejects.toEqual(full);
    expect((await caller.call("limits")).used).toMatchObject({ running_turns: 1, queued_turns: 0 });
    // What was taken is known by its key.
    const again = await caller.createTurn(id, { prompt: "hello" }, { idempotency });
    expect(again.turn.id).toBe(turn.id);
    const log = deployment.container.logOf(id);
    log.say({ kind: "turn", turn: turn.id, status: "running" });
    log.say({ kind: "message", turn: turn.id, message: { type: "assistant" } });
    log.say({ kind: "turn", turn: turn.id, status: "completed" });
    await eventually(async () =>
      expect(await caller.getTurn(id, turn.id)).toMatchObject({ status: "completed" }),
    );
    const body = streamOf(inChunks("x"));
    const put = caller.putFile(id, "a.txt", { body, size: undefined, mode: undefined }, {});
    await expect(put).rejects.toEqual(full);
    const other = await caller.query({ prompt: "elsewhere" });
    expect(other.turn.status).toBe("queued");
    await caller.deleteSession(id);
    await expect(caller.getSession(id)).rejects.toMatchObject({ code: "session_not_found" });
  });

  test("ends a turn that fills it up, and goes on once there is room", async () => {
    const session = new TestSession({ env: LIMIT });
    const turn = session.send();
    session.running(turn);
    await session.follow();
    fill(session.storage, 0.95);
    session.message(turn, "a");
    await eventually(() => expect(session.turn(turn).status).toBe("failed"));
    expect(session.store.turnResource(turn)?.error).toMatchObject({ code: "storage_full" });
    const size = session.storage.sql.databaseSize;
    session.say({ kind: "message", turn, message: { type: "assistant", text: "b".repeat(1e6) } });
    session.ended(turn);
    const { cursor } = session.runner;
    await eventually(() => expect(session.store.followed).toMatchObject({ cursor }));
    expect(session.storage.sql.databaseSize).toBe(size);

    session.storage.sql.exec("DROP TABLE filler");
    session.storage.sql.exec("VACUUM");
    const next = session.queue();
    session.parts.turns.grant(next);
    await eventually(() => expect(session.turn(next).boot).toBe(session.container.boot));
    session.running(next);
    session.ended(next);
    await session.applied();
    expect(session.turn(next).status).toBe("completed");
  });

  test("takes the end of a turn in any case", async () => {
    const session = new TestSession({ env: LIMIT });
    const turn = session.send();
    session.running(turn);
    await session.follow();
    fill(session.storage, 0.96);
    session.ended(turn);
    await session.applied();
    expect(session.turn(turn).status).toBe("completed");
  });

  test("says so too when the database itself is full, and tries only once more", async () => {
    const session = new TestSession();
    const turn = session.send();
    session.running(turn);
    await session.follow();
    const { sql } = session.storage;
    sql.exec(`PRAGMA max_page_count = ${Math.ceil(sql.databaseSize / PAGE) + 20}`);
    session.message(turn, "a".repeat(200_000));
    await eventually(() => expect(session.turn(turn).status).toBe("failed"));
    expect(session.store.turnResource(turn)?.error).toMatchObject({ code: "storage_full" });
    expect(logged.filter(({ tries }) => tries !== undefined)).toHaveLength(1);
  });
});

describe("an account whose storage is nearly full", () => {
  test("takes no turn, session or token; turns end, and sessions can be deleted", async () => {
    const deployment = new TestDeployment(LIMIT);
    const caller = new Account(deployment.env, "ada");
    const { turn } = await caller.query({ prompt: "hello" });
    const { session_id: id } = turn;
    fill(deployment.storageOf("ada"), 0.8);
    await expect(caller.createTurn(id, { prompt: "more" })).rejects.toEqual(full);
    await expect(caller.createSession({})).rejects.toEqual(full);
    await expect(caller.query({ prompt: "new" })).rejects.toEqual(full);
    await expect(caller.call("createToken", {})).rejects.toEqual(full);
    const log = deployment.container.logOf(id);
    log.say({ kind: "turn", turn: turn.id, status: "running" });
    log.say({ kind: "turn", turn: turn.id, status: "completed" });
    await eventually(async () => expect((await caller.call("limits")).used.running_turns).toBe(0));
    await caller.deleteSession(id);
    expect((await caller.listSessions(undefined, 9)).sessions).toEqual([]);
  });
});
