import { AUDIT_KEPT_MS } from "@claude-edge/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { openStorage } from "../../test/support/storage.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { Account } from "../http/account.js";
import { migrate } from "../sql/migrate.js";
import { Audit } from "./audit.js";
import { ACCOUNT_SCHEMA } from "./schema.js";

const DAY_MS = 24 * 3_600_000;

let deployment = new TestDeployment();
let requests = 0;
beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-29T10:00:00.900Z"), toFake: ["Date"] });
  deployment = new TestDeployment();
  requests = 0;
});
afterEach(() => vi.useRealTimers());

/** A request: of a token, or of the root key. */
const by = (token?: string) => {
  requests += 1;
  const holder = token === undefined ? undefined : { id: token, issuedAt: Date.now() };
  return new Account(deployment.env, "ada", holder, `req_${requests}`);
};
const entries = () => by().call("audit", 0, 1_000);
const actions = async () => (await entries()).map(({ action }) => action);

test("says who changed what, in which request, and no values", async () => {
  const { id } = await by().call("createToken", { name: "Laptop", scopes: ["admin"] });
  await by(id).call("updateLimits", { max_sessions: 9 });
  const secret = { session: "", name: "KEY", placeholder: "p", hosts: ["api.example.com"] };
  const sealed = { places: {}, keyId: "k", bytes: new Uint8Array([7]) } as never;
  await by(id).call("secret", "set", [{ ...secret, ...(sealed as object) }]);
  await by(id).call("secret", "delete", ["KEY"]);
  await by().call("revokeToken", id);
  const found = await entries();
  expect(found).toEqual([
    {
      seq: expect.any(Number),
      at: Date.now(),
      action: "token.created",
      actor: { type: "root_key" },
      target: id,
      request_id: "req_1",
      details: { name: "Laptop", scopes: ["admin"], expires_at: expect.any(String) },
    },
    expect.objectContaining({
      action: "limits.changed",
      actor: { type: "token", id },
      target: "ada",
      request_id: "req_2",
      details: { max_sessions: 9 },
    }),
    expect.objectContaining({
      action: "secret.set",
      target: "KEY",
      details: { hosts: ["api.example.com"] },
    }),
    expect.objectContaining({ action: "secret.deleted", target: "KEY" }),
    expect.objectContaining({ action: "token.revoked", target: id, request_id: "req_5" }),
  ]);
  const seqs = found.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  expect(await by().call("audit", seqs[2]!, 1)).toEqual([found[3]]);
});

test("says of a session what went out of it, what of it was changed, and who deleted it", async () => {
  const { id } = await by().createSession({});
  await by("t").updateSession(id, { title: "A name is not told of" });
  await by("t").updateSession(id, { expires_in: 60, options: { model: "claude-opus-5-5" } });
  await new Response(await by("t").exportSession(id)).text();
  await new Response(await by("t").exportTranscript(id)).text();
  await by("t").deleteSession(id);
  await eventually(async () => expect(await actions()).toHaveLength(4));
  const actor = { type: "token", id: "t" };
  expect(await entries()).toMatchObject([
    {
      action: "session.changed",
      actor,
      target: id,
      details: { fields: ["expires_in", "options.model"] },
    },
    { action: "session.exported", actor, target: id, details: { what: "session" } },
    { action: "session.exported", actor, target: id, details: { what: "transcript" } },
    { action: "session.deleted", actor, target: id, request_id: "req_6" },
  ]);
});

test("has no entry of what was refused, or was done already", async () => {
  const key = { key: "k", fingerprint: "f" };
  const { id } = await by().call("createToken", {}, key);
  await by().call("createToken", {}, key);
  await by().call("revokeToken", id);
  await by().call("revokeToken", id);
  const { id: session } = await by().createSession({});
  await expect(by(id).exportSession(session)).rejects.toMatchObject({ code: "unauthorized" });
  await expect(by(id).deleteSession(session)).rejects.toMatchObject({ code: "unauthorized" });
  await expect(by().call("secret", "delete", ["NONE"])).rejects.toMatchObject({
    code: "secret_not_found",
  });
  expect(await actions()).toEqual(["token.created", "token.revoked"]);
});

test("is written with the change, or there is no change", async () => {
  await by().call("listTokens", undefined, 9);
  const { sql } = deployment.storageOf("ada");
  sql.exec(
    "CREATE TRIGGER refused BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'not now'); END",
  );
  const changes = [
    () => by().call("createToken", {}),
    () => by().call("revokeToken", "t"),
    () => by().call("updateLimits", { max_sessions: 1 }),
    () => by().call("setNetwork", { policy: { type: "limited", allowed_hosts: [] } }),
  ];
  for (const change of changes) await expect(change()).rejects.toThrow("not now");
  sql.exec("DROP TRIGGER refused");
  expect((await by().call("listTokens", undefined, 9)).tokens).toEqual([]);
  expect((await by().call("limits")).own).toEqual([]);
  expect((await by().call("network")).own).toBeNull();
  expect(await actions()).toEqual([]);
});

test("an expired session is deleted by the deployment itself", async () => {
  const { id } = await by().createSession({ expires_in: 60 });
  await deployment.passTime(`ada/${id}`, 61_000);
  await eventually(async () => expect(await actions()).toEqual(["session.deleted"]));
  expect(await entries()).toMatchObject([{ actor: { type: "deployment" }, target: id }]);
});

test("who erased an account outlives it, and nothing else does", async () => {
  await by().call("createToken", {});
  await by().erase();
  vi.setSystemTime(Date.now() + 1_000);
  for (let steps = 0; steps < 9; steps += 1) await deployment.account.alarm();
  await expect(by().describe()).rejects.toMatchObject({ code: "account_not_found" });
  expect(await entries()).toMatchObject([
    { action: "account.erased", actor: { type: "root_key" }, target: "ada", request_id: "req_2" },
  ]);
});

test("entries are kept for 90 days, and the alarm removes them", async () => {
  await by().call("updateLimits", { max_sessions: 1 });
  vi.setSystemTime(Date.now() + DAY_MS / 2);
  await by().call("updateLimits", { max_sessions: 2 });
  vi.setSystemTime(Date.now() + AUDIT_KEPT_MS - DAY_MS);
  await deployment.account.alarm();
  expect(await actions()).toHaveLength(2);
  const end = Date.now() + 2 * DAY_MS;
  for (let due = 0; due < end && (await actions()).length > 0;) {
    due = (await deployment.alarmOf("ada"))!;
    vi.setSystemTime(due);
    await deployment.storageOf("ada").deleteAlarm();
    await deployment.account.alarm();
  }
  expect(await actions()).toHaveLength(0);
  expect(Date.now()).toBeLessThanOrEqual(end);
});

test("their number is bounded, and so is what an entry holds", () => {
  const storage = openStorage();
  migrate(storage, ACCOUNT_SCHEMA);
  const audit = new Audit(storage.sql, () => {}, 50);
  for (let number = 0; number < 200; number += 1) audit.add("token.revoked", `t${number}`);
  const kept = audit.page(0, 1_000);
  expect(kept).toHaveLength(50);
  expect(kept.at(-1)).toMatchObject({ target: "t199", actor: { type: "deployment" } });
  audit.add("network.changed", "ada", { details: { policy: "x".repeat(3_000) } });
  expect(audit.page(kept.at(-1)!.seq, 9)).toMatchObject([{ details: { left_out: true } }]);
});
