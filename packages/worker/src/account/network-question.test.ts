import type { SessionResource } from "@claude-edge/protocol";
import { beforeEach, expect, test } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { Account } from "../http/account.js";

const QUESTION = { host: "a.com", port: 443, method: "GET" };

let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
beforeEach(() => {
  deployment = new TestDeployment();
  caller = new Account(deployment.env, "ada");
});

const account = () => deployment.account;
const ask = (known: string[] = [], session?: string) =>
  account().askNetwork(session, QUESTION, known);
const grants = (session?: string) => account().networkRules(session).grants;

/** Begins a turn that runs in the account's container. */
async function begin(session?: string) {
  const { turn } = session
    ? await caller.createTurn(session, { prompt: "hello" })
    : await caller.query({ prompt: "hello" });
  return { session: turn.session_id, turn: turn.id };
}

async function end({ session, turn }: { session: string; turn: string }): Promise<void> {
  const log = deployment.container.logOf(session);
  log.say({ kind: "turn", turn, status: "running" }, { kind: "turn", turn, status: "completed" });
  await eventually(() => expect(account().limits().used.running_turns).toBe(0));
}

async function asked(): Promise<string[]> {
  const reply = await ask();
  return reply.status === "pending" ? reply.requests : [];
}

const allow = (id: string, scope?: "turn" | "session" | "account") =>
  caller.answerRequest(id, { answer: { behavior: "allow", ...(scope ? { scope } : {}) } });

test("nobody is asked while no turn runs", async () => {
  expect(await ask()).toEqual({ status: "unasked" });
});

test("the session whose turn runs asks, once, and the account lists it", async () => {
  const { session } = await begin();
  const [first, second] = await Promise.all([asked(), asked()]);
  expect(first).toHaveLength(1);
  expect(second).toEqual(first);
  await eventually(() => {
    expect(account().listRequests("pending", undefined)).toEqual([
      { id: first[0], session_id: session },
    ]);
  });
});

test("allowed for the turn, it is granted until that ends", async () => {
  const running = await begin();
  const [id] = await asked();
  await allow(id!);
  expect(await ask([id!])).toEqual({ status: "allowed" });
  expect(grants()).toEqual(["a.com"]);
  await end(running);
  expect(grants()).toEqual([]);
  expect(deployment.rows("ada", "SELECT * FROM network_grants")).toEqual([]);
  await begin(running.session);
  expect(grants()).toEqual([]);
  expect(await asked()).not.toContain(id);
});

test("allowed for the session, it is granted while a turn of it runs, and gone with the session", async () => {
  const running = await begin();
  await allow((await asked())[0]!, "session");
  await end(running);
  expect(grants()).toEqual([]);
  expect(grants(running.session)).toEqual(["a.com"]);
  const next = await begin(running.session);
  expect(await ask()).toEqual({ status: "allowed" });
  await end(next);
  const other = await begin();
  expect(await ask()).toMatchObject({ status: "pending" });
  await end(other);
  await caller.deleteSession(running.session);
  expect(deployment.rows("ada", "SELECT * FROM network_grants")).toEqual([]);
});

test("allowed for the account, it is granted to all, until it is withdrawn", async () => {
  const running = await begin();
  await allow((await asked())[0]!, "account");
  await end(running);
  await caller.deleteSession(running.session);
  expect(grants()).toEqual(["a.com"]);
  const { granted } = await caller.call("network");
  expect(granted).toEqual(["a.com"]);
  const policy = { type: "limited" as const };
  expect((await caller.call("setNetwork", { policy })).granted).toEqual(["a.com"]);
  expect((await caller.call("setNetwork", { policy: null, granted: ["b.com"] })).granted).toEqual(
    [],
  );
  expect(grants()).toEqual([]);
});

test("one that is withdrawn while its turn runs is denied there", async () => {
  await begin();
  await allow((await asked())[0]!, "account");
  await caller.call("setNetwork", { policy: null, granted: [] });
  expect(await ask()).toMatchObject({ status: "denied" });
});

test("an answer for a turn that has ended is refused; one for its session counts for the next", async () => {
  const running = await begin();
  const [id] = await asked();
  await end(running);
  await expect(allow(id!, "turn")).rejects.toMatchObject({ code: "invalid_request" });
  expect(deployment.rows("ada", "SELECT * FROM network_grants")).toEqual([]);
  const next = await begin(running.session);
  const [again] = await asked();
  await end(next);
  await allow(again!, "session");
  await begin(running.session);
  expect(await ask()).toEqual({ status: "allowed" });
});

test("of several sessions in a container each is asked: one may allow it, and all must deny it", async () => {
  account().updateLimits({ max_concurrent_turns: 2 });
  await begin();
  await begin();
  const requests = await asked();
  expect(requests).toHaveLength(2);
  const deny = { answer: { behavior: "deny" } };
  await caller.answerRequest(requests[0]!, deny);
  expect(await ask(requests)).toEqual({ status: "pending", requests: [requests[1]] });
  await caller.answerRequest(requests[1]!, deny);
  expect(await ask(requests)).toMatchObject({ status: "denied" });
});

test("a session with a container of its own is asked alone", async () => {
  const network = { type: "limited", unknown_hosts: "ask" } as const;
  const { turn } = await caller.query({ prompt: "hello", options: { network } });
  expect(await ask()).toEqual({ status: "unasked" });
  const reply = await ask([], turn.session_id);
  expect(reply).toMatchObject({ status: "pending", requests: [expect.any(String)] });
});

test("looking again while a request is open asks no session", async () => {
  await begin();
  const known = await asked();
  await eventually(async () => {
    const calls: string[] = [];
    deployment.beforeCall = (_name, method) => void calls.push(method);
    expect(await ask(known)).toEqual({ status: "pending", requests: known });
    expect(calls).not.toContain("askNetwork");
  });
});

test("the newest 500 grants are kept", async () => {
  const session = "s";
  const grant = (host: string, id: number) => ({
    id,
    notice: { kind: "grant", host, turn: "", scope: "account" } as const,
  });
  account().admitTurn({
    check: { isFirst: true },
    session,
    turn: "t",
    maySeeSessions: true,
    create: {
      id: session,
      status: "idle",
      updated_at: new Date().toISOString(),
    } as SessionResource,
  });
  const all = Array.from({ length: 501 }, (_, at) => grant(`a${at}.com`, at + 1));
  account().notify(session, all);
  const { granted } = await caller.call("network");
  expect([granted.length, granted[0], granted.at(-1)]).toEqual([500, "a1.com", "a500.com"]);
});

test("an account's policy may name more than a deployment's that asks, and no more than another's", async () => {
  const policy = { type: "limited", allowed_hosts: ["a.com"] } as const;
  const set = (deploymentPolicy: object) => {
    deployment = new TestDeployment({ CLAUDE_EDGE_NETWORK: JSON.stringify(deploymentPolicy) });
    return new Account(deployment.env, "ada").call("setNetwork", { policy });
  };
  expect((await set({ type: "limited", unknown_hosts: "ask" })).own).toEqual(policy);
  await expect(set({ type: "limited" })).rejects.toMatchObject({ code: "network_too_wide" });
});
