import { randomUUID } from "node:crypto";

import { beforeEach, describe, expect, test } from "vitest";

import { TestDeployment } from "../../test/support/test-deployment.js";
import { Account } from "./account.js";

let deployment = new TestDeployment();
let caller = new Account(deployment.env, "ada");
let spare = "";
beforeEach(() => {
  deployment = new TestDeployment();
  caller = new Account(deployment.env, "ada");
  spare = randomUUID();
  deployment.container.spares.push(spare);
});
const withCode = (code: string) => expect.objectContaining({ code });

describe("a new session", () => {
  test("is that of a spare, with its first turn or without one", async () => {
    const second = randomUUID();
    deployment.container.spares.push(second);
    expect((await caller.createSession({})).id).toBe(spare);
    expect((await caller.query({ prompt: "x" })).turn.session_id).toBe(second);
    expect(deployment.container.spares).toEqual([]);
  });

  test("takes no spare when its id was chosen, or its options need a process of their own", async () => {
    await caller.createSession({ id: randomUUID() });
    await caller.query({ prompt: "x", session_id: randomUUID() });
    await caller.createSession({ options: { permissionMode: "bypassPermissions" } });
    expect(deployment.container.spares).toEqual([spare]);
  });

  test("gives its spare back when it is refused", async () => {
    await caller.call("updateLimits", { max_sessions: 0 });
    await expect(caller.createSession({})).rejects.toEqual(withCode("too_many_sessions"));
    await expect(caller.query({ prompt: "x" })).rejects.toEqual(withCode("too_many_sessions"));
    await caller.call("revokeToken", "t");
    const barred = new Account(deployment.env, "ada", { id: "t", issuedAt: 0 });
    await expect(barred.query({ prompt: "x" })).rejects.toEqual(withCode("unauthorized"));
    expect(deployment.container.spares).toEqual([spare]);
  });

  test("gives its spare back when its key made another session before", async () => {
    const idempotency = { key: "k", fingerprint: "f" };
    const second = randomUUID();
    const { id } = await caller.createSession({}, idempotency);
    deployment.container.spares.push(second);
    expect((await caller.createSession({}, idempotency)).id).toBe(id);
    expect(deployment.container.spares).toEqual([second]);
  });

  test("keeps its spare when it may exist", async () => {
    deployment.beforeReply = (_name, method) => {
      if (method === "createTurn") throw new Error("reset");
    };
    await expect(caller.query({ prompt: "x" })).rejects.toThrow("reset");
    expect(deployment.container.spares).toEqual([]);
  });
});
