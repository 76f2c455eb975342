import type { AccountResource } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import { TestBucket } from "../../test/support/test-bucket.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { deploymentPort } from "../deployment/ports.js";
import { accountPrefix } from "../files/r2-packs.js";
import { Account } from "../http/account.js";

/** Erasures end in another second than they began in. */
const START = Date.parse("2026-11-29T10:00:00.900Z");

let objects = new Set<string>();
/** As much of a bucket as an erasure asks. Lists two objects at a time. */
const bucket = {
  list: async ({ prefix }: { prefix: string }) => {
    const found = [...objects].filter((key) => key.startsWith(prefix));
    return { objects: found.slice(0, 2).map((key) => ({ key })), truncated: found.length > 2 };
  },
  delete: async (keys: string[]) => void keys.forEach((key) => objects.delete(key)),
} as unknown as R2Bucket;

let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
  captureLog();
  objects = new Set();
  deployment = new TestDeployment({ FILES: bucket });
  caller = new Account(deployment.env, "ada");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const withCode = (code: string) => expect.objectContaining({ code });
const listed = async () =>
  (await deploymentPort(deployment.env).listAccounts(undefined, 9)).accounts;
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const minutes = (count: number) => count * 60_000;
const alarm = () => deployment.account.alarm();

/** Lets the alarm do all steps of an erasure. */
async function eraseAll(): Promise<void> {
  later(1_000);
  for (let steps = 0; (await isErasing()) && steps < 20; steps += 1) await alarm();
}

const isErasing = async () =>
  (await caller.describe().catch(() => undefined))?.status === "erasing";

describe("the list of accounts", () => {
  test("has an account a second after anything was stored for it, and not by being asked", async () => {
    await caller.listSessions(undefined, 9);
    await caller.call("limits");
    await expect(caller.describe()).rejects.toEqual(withCode("account_not_found"));
    await caller.createSession({});
    await alarm();
    expect(await listed()).toEqual([]);
    later(1_000);
    await alarm();
    expect(await listed()).toMatchObject([
      { name: "ada", status: "active", sessions: 1, created_at: "2026-11-29T10:00:00.900Z" },
    ]);
    expect((await listed())[0]!.stored_bytes).toBeGreaterThan(0);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["a token", () => caller.call("createToken", {})],
    ["a token of a backend that is revoked", () => caller.call("revokeToken", "t")],
    ["a limit", () => caller.call("updateLimits", { max_sessions: 1 })],
    ["a call of the model", () => caller.modelCalls.beginModelCall()],
  ])("%s makes an account too", async (_name, store) => {
    await store();
    later(1_000);
    await alarm();
    expect(await listed()).toMatchObject([{ name: "ada", sessions: 0 }]);
  });

  test("is told of activity every 15 minutes at the most, and of none without any", async () => {
    await caller.createSession({});
    later(1_000);
    await alarm();
    later(minutes(1));
    await caller.createSession({});
    await alarm();
    expect(await listed()).toMatchObject([{ sessions: 1 }]);
    later(minutes(14));
    await alarm();
    expect(await listed()).toMatchObject([
      { sessions: 2, last_active_at: "2026-11-29T10:01:01.900Z" },
    ]);
    const writes = () => deployment.rows("ada", "SELECT reported_at FROM account");
    const before = writes();
    later(minutes(60));
    await alarm();
    expect(writes()).toEqual(before);
  });

  test("comes page by page, the last active first", async () => {
    for (const name of ["a", "b", "c"]) {
      const account = { name, last_active_at: new Date().toISOString() } as AccountResource;
      await deploymentPort(deployment.env).report(account);
      later(name === "a" ? 1_000 : 0);
    }
    const port = deploymentPort(deployment.env);
    const first = await port.listAccounts(undefined, 2);
    const second = await port.listAccounts(first.next_cursor, 2);
    expect(first.accounts.map(({ name }) => name)).toEqual(["c", "b"]);
    expect(second).toMatchObject({ accounts: [{ name: "a" }] });
    expect(second.next_cursor).toBeUndefined();
    await expect(port.listAccounts("%", 2)).rejects.toEqual(withCode("invalid_request"));
  });

  test("hears of an account later that it could not be told of", async () => {
    await caller.createSession({});
    later(1_000);
    deployment.unreachable.add("/accounts");
    await alarm();
    deployment.unreachable.clear();
    deployment.restart("ada");
    await alarm();
    expect(await listed()).toHaveLength(1);
  });
});

describe("an erasure", () => {
  test("does not end while files are in R2 and the bucket is not bound any more", async () => {
    const files = new TestBucket();
    deployment = new TestDeployment({ FILES: files.binding });
    caller = new Account(deployment.env, "ada");
    const { id } = await caller.createSession({});
    const body = new Blob(["x"]).stream();
    await caller.putFile(id, "a.txt", { body, size: undefined, mode: undefined }, {});
    expect(files.objects.size).toBe(1);
    delete deployment.env.FILES;
    for (const name of ["ada", `ada/${id}`]) deployment.restart(name);
    await caller.erase();
    for (let steps = 0; steps < 4; steps += 1) await alarm();
    expect(await caller.describe()).toMatchObject({
      status: "erasing",
      sessions: 0,
      erasure: { error: expect.stringContaining("no bucket is bound as FILES") },
    });
    deployment.env.FILES = files.binding;
    deployment.restart("ada");
    await eraseAll();
    await expect(caller.describe()).rejects.toEqual(withCode("account_not_found"));
    expect(files.objects.size).toBe(0);
  });

  test("leaves nothing of the account, and nothing of another goes", async () => {
    const other = new Account(deployment.env, "ada2");
    const kept = await other.createSession({});
    objects.add(`${accountPrefix("ada2")}x`);
    for (let n = 0; n < 5; n += 1) objects.add(`${accountPrefix("ada")}${n}`);
    const { turn } = await caller.query({ prompt: "hello" });
    const idle = await caller.createSession({});
    const question = { host: "a.com", port: 443, method: "GET" };
    const asked = await deployment.account.askNetwork(undefined, question, []);
    const answer = { behavior: "allow", scope: "account" };
    await caller.answerRequest((asked as { requests: string[] }).requests[0]!, { answer });
    expect((await caller.call("network")).granted).toEqual(["a.com"]);
    await caller.call("createToken", {});
    await caller.call("updateLimits", { max_sessions: 7 });
    later(1_000);
    await alarm();

    expect(await caller.erase()).toMatchObject({
      status: "erasing",
      sessions: 2,
      erasure: { started_at: "2026-11-29T10:00:01.900Z" },
    });
    await eventually(async () => expect(await listed()).toMatchObject([{ status: "erasing" }]));
    await eraseAll();
    await expect(caller.describe()).rejects.toEqual(withCode("account_not_found"));
    await expect(caller.erase()).rejects.toEqual(withCode("account_not_found"));
    expect(await listed()).toEqual([]);
    for (const id of [turn.session_id, idle.id]) {
      expect(deployment.rows(`ada/${id}`, "SELECT * FROM sqlite_master")).toEqual([]);
    }
    expect(deployment.container.ended).not.toEqual([]);
    expect([...objects]).toEqual([`${accountPrefix("ada2")}x`]);
    expect((await other.getSession(kept.id)).id).toBe(kept.id);

    expect((await caller.listSessions(undefined, 9)).sessions).toEqual([]);
    expect((await caller.call("listTokens", undefined, 9)).tokens).toEqual([]);
    expect((await caller.call("network")).granted).toEqual([]);
    expect(await caller.call("limits")).toMatchObject({ own: [], used: { running_turns: 0 } });
    expect((await caller.call("usage", {})).total.turns).toBe(0);
    expect((await caller.createSession({ id: idle.id })).id).toBe(idle.id);
  });

  test("ends running turns as interrupted, and those that read them hear it", async () => {
    const { turn, after } = await caller.query({ prompt: "hello" });
    const stream = await caller.events(turn.session_id, after, { turn: turn.id });
    const text = new Response(stream).text();
    await caller.erase();
    await eraseAll();
    expect(await text).toContain('"status":"interrupted"');
  });

  test("refuses every call of the account while it goes on", async () => {
    const { id } = await caller.createSession({});
    await caller.erase();
    for (const call of [
      () => caller.getSession(id),
      () => caller.createSession({}),
      () => caller.query({ prompt: "x" }),
      () => caller.createTurn(id, { prompt: "x" }),
      () => caller.forkSession(id, {}),
      () => caller.call("updateLimits", {}),
      () => caller.call("listTokens", undefined, 9),
      () => caller.modelCalls.beginModelCall(),
      () => caller.containerStatus(true),
    ]) {
      // Each as a request of its own.
      caller = new Account(deployment.env, "ada");
      await expect(call()).rejects.toEqual(withCode("account_erasing"));
    }
    await expect(deployment.session(id).beginModelCall()).rejects.toEqual(
      withCode("account_erasing"),
    );
    expect(await caller.erase()).toMatchObject({ status: "erasing" });
  });

  test("makes tokens worthless that were issued before it, at once and for good", async () => {
    const old = { id: "t", issuedAt: Math.floor(Date.now() / 1000) * 1000 };
    const withToken = (token: typeof old) =>
      new Account(deployment.env, "ada", token).listSessions(undefined, 9);
    await caller.call("createToken", {});
    await withToken(old);
    await caller.erase();
    await expect(withToken(old)).rejects.toEqual(withCode("unauthorized"));
    await eraseAll();
    deployment.restart("ada");
    await expect(withToken(old)).rejects.toEqual(withCode("unauthorized"));
    const { created_at } = await caller.call("createToken", {});
    await withToken({ id: "u", issuedAt: Date.parse(created_at!) });
    // Erased again, it is the same for those.
    later(1_000);
    await caller.erase();
    await eraseAll();
    await expect(withToken({ id: "u", issuedAt: Date.parse(created_at!) })).rejects.toEqual(
      withCode("unauthorized"),
    );
  });

  test("goes on after a restart at any step, with what failed tried again", async () => {
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push((await caller.createSession({})).id);
    await caller.erase();
    deployment.unreachable.add(`ada/${ids[1]}`);
    later(1_000);
    await alarm();
    expect(await caller.describe()).toMatchObject({
      status: "erasing",
      sessions: 1,
      erasure: { error: expect.stringContaining("cannot be reached") },
    });
    deployment.restart("ada");
    deployment.unreachable.clear();
    // The list cannot be told that it is over, so it is not.
    deployment.unreachable.add("/accounts");
    for (let steps = 0; steps < 3; steps += 1) await alarm();
    expect(await caller.describe()).toMatchObject({ status: "erasing", sessions: 0 });
    deployment.unreachable.clear();
    deployment.restart("ada");
    await eraseAll();
    await expect(caller.describe()).rejects.toEqual(withCode("account_not_found"));
  });

  test("waits longer after each step that failed, and not longer than five minutes", async () => {
    const { id } = await caller.createSession({});
    await caller.erase();
    deployment.unreachable.add(`ada/${id}`);
    const pauses = [];
    for (let steps = 0; steps < 12; steps += 1) {
      await alarm();
      pauses.push(((await deployment.alarmOf("ada")) ?? 0) - Date.now());
    }
    expect(pauses.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(pauses.at(-1)).toBe(minutes(5));
  });

  test("counts no model call that began before its end", async () => {
    const call = await caller.modelCalls.beginModelCall();
    await caller.erase();
    await eraseAll();
    const used = {
      input_tokens: 5,
      output_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
      cost: 1e12,
    };
    await caller.modelCalls.endModelCall(call, "opus", used);
    expect((await caller.call("limits")).used.tokens_today).toBe(0);
    later(1_000);
    await caller.modelCalls.endModelCall(await caller.modelCalls.beginModelCall(), "opus", used);
    expect((await caller.call("limits")).used.tokens_today).toBe(5);
  });

  test("takes a session that is in no list along: one of the Messages API", async () => {
    const { turn } = await caller.createMessage({
      session: "00000000-0000-4000-8000-000000000001",
      turn: "00000000-0000-4000-8000-000000000002",
      options: {},
      transcript: [],
      start: { prompt: "x" },
    } as unknown as Parameters<Account["createMessage"]>[0]);
    await caller.erase();
    await eraseAll();
    expect(deployment.rows(`ada/${turn.session_id}`, "SELECT * FROM sqlite_master")).toEqual([]);
  });
});

describe("a deployment's jurisdiction", () => {
  /** The same deployment with another setting: the fake's objects are the same, as workerd's are. */
  const setTo = (jurisdiction: string) => {
    deployment.env.CLAUDE_EDGE_JURISDICTION = jurisdiction;
    caller = new Account(deployment.env, "bob");
  };

  test("is the first: under another no account begins, and the list is not given", async () => {
    setTo("eu");
    await caller.createSession({});
    setTo("fedramp");
    caller = new Account(deployment.env, "carol");
    await caller.admit().catch(() => {});
    for (const call of [
      () => new Account(deployment.env, "carol").createSession({}),
      () => new Account(deployment.env, "carol").call("limits"),
      () => new Account(deployment.env, "carol").describe(),
      () => deploymentPort(deployment.env).listAccounts(undefined, 9),
    ]) {
      await expect(call()).rejects.toEqual(withCode("jurisdiction_changed"));
    }
    await expect(new Account(deployment.env, "carol").call("limits")).rejects.toThrow(
      "This deployment has its data in jurisdiction eu, and CLAUDE_EDGE_JURISDICTION now says fedramp.",
    );
    setTo("eu");
    expect((await new Account(deployment.env, "dora").createSession({})).id).toBeDefined();
  });

  test("that is no jurisdiction is refused by its name", async () => {
    setTo("mars");
    await expect(async () => caller.call("limits")).rejects.toThrow(
      'CLAUDE_EDGE_JURISDICTION is "mars"; it can be eu or fedramp.',
    );
  });
});
