import { beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import type { SecretQuery } from "../egress/secret-source.js";
import { checkSecret } from "../secrets/check-secret.js";
import { sealAll } from "../secrets/secret-store.js";

const OLD_KEY = "ce_root_old".padEnd(40, "x");
const NEW_KEY = "ce_root_new".padEnd(40, "y");
const SESSION = "6ff168f4-104f-4591-9476-c83ee836d8ac";
const FORK = "00000000-0000-4000-8000-000000000000";

let deployment = new TestDeployment();
beforeEach(() => {
  deployment = new TestDeployment({ CLAUDE_EDGE_ROOT_KEY: OLD_KEY });
});

interface Given {
  session?: string;
  hosts?: string[];
  body?: boolean;
}
const sealed = async (name: string, value: string, scope: string, given: Given = {}) => {
  const { session = "", hosts = ["api.example.com"], body } = given;
  const owner = { scope, account: scope === "deployment" ? "" : "ada", session };
  const places = body ? { in: { body } } : {};
  const checked = checkSecret(name, { value, hosts, ...places });
  const [secret] = await sealAll(deployment.env, owner as never, [checked]);
  return secret!;
};
const ofAccount = async (name: string, value: string, given?: Given) =>
  deployment.account.secret("set", [await sealed(name, value, "account", given)]);
const ofSession = async (name: string, value: string, given: Given = {}) => {
  const session = given.session ?? SESSION;
  const secret = await sealed(name, value, "session", { ...given, session });
  deployment.account.changeSecrets(session, { set: [secret], remove: [] });
};
const deploymentObject = () =>
  (deployment.env.DEPLOYMENT as unknown as { getByName(name: string): DeploymentStub }).getByName(
    "accounts",
  );
interface DeploymentStub {
  putSecret(secret: unknown): Promise<unknown>;
  claimJurisdiction(claimed: null): Promise<null>;
}
const ofDeployment = async (name: string, value: string, given?: Given) =>
  deploymentObject().putSecret(await sealed(name, value, "deployment", given));
const variables = (session = SESSION) => deployment.account.secretVariables(session);
const opened = (query: Partial<SecretQuery>) =>
  deployment.account.openSecrets({
    target: { host: "api.example.com", port: 443 },
    session: undefined,
    placeholders: [],
    hasBody: false,
    isPrivate: true,
    ...query,
  });
const valuesOf = async (query: Partial<SecretQuery>) =>
  Object.fromEntries((await opened(query)).open.map(({ name, value }) => [name, value]));

describe("the variables of a session", () => {
  test("are the secrets of deployment, account and session; the narrower goes before the wider", async () => {
    await ofDeployment("B_KEY", "deployment");
    await ofDeployment("A_KEY", "deployment");
    await ofAccount("B_KEY", "account");
    await ofAccount("C_KEY", "account");
    await ofSession("C_KEY", "session");
    const found = await variables();
    expect(Object.keys(found)).toEqual(["A_KEY", "B_KEY", "C_KEY"]);
    expect(found).toMatchObject({
      A_KEY: expect.stringMatching(/^ce_secret_d_/),
      B_KEY: expect.stringMatching(/^ce_secret_a_/),
      C_KEY: expect.stringMatching(/^ce_secret_s6ff168f4104f/),
    });
    expect(await valuesOf({ placeholders: Object.values(found) })).toEqual({
      A_KEY: "deployment",
      B_KEY: "account",
      C_KEY: "session",
    });
    expect((await variables(FORK)).C_KEY).toMatch(/^ce_secret_a_/);
  });

  test("stay the same when a value is set anew", async () => {
    await ofAccount("KEY", "one");
    const before = await variables();
    await ofAccount("KEY", "two", { hosts: ["other.example.com"] });
    expect(await variables()).toEqual(before);
    const target = { host: "other.example.com", port: 80 };
    expect(await valuesOf({ placeholders: [before.KEY!], target })).toEqual({ KEY: "two" });
  });

  test("are known while the deployment's object cannot be reached, once they were", async () => {
    captureLog();
    vi.useFakeTimers({ toFake: ["Date"] });
    await ofDeployment("KEY", "one");
    expect(Object.keys(await variables())).toEqual(["KEY"]);
    deployment.unreachable.add("/accounts");
    vi.setSystemTime(Date.now() + 60_000);
    expect(Object.keys(await variables())).toEqual(["KEY"]);
    deployment.restart("ada");
    await expect(variables()).rejects.toThrow("cannot be reached");
    vi.useRealTimers();
  });
});

describe("a request", () => {
  test("gets values for its own host and port alone; others are named", async () => {
    await ofAccount("KEY", "one", { hosts: ["*.example.com", "api.example.org:8443"] });
    await ofDeployment("WIDE", "two");
    const placeholders = Object.values(await variables());
    const ask = (host: string, port: number) => opened({ target: { host, port }, placeholders });
    const names = async (host: string, port = 443) => {
      const { open, misdirected } = await ask(host, port);
      return [
        open.map(({ name }) => name),
        misdirected.map(({ name, scope }) => `${scope} ${name}`),
      ];
    };
    expect(await names("api.example.com")).toEqual([["KEY", "WIDE"], []]);
    expect(await names("example.com")).toEqual([[], ["account KEY", "deployment WIDE"]]);
    expect(await names("api.example.com", 8080)).toEqual([[], ["account KEY", "deployment WIDE"]]);
    expect(await names("api.example.org", 8443)).toEqual([["KEY"], ["deployment WIDE"]]);
    expect(await names("api.example.com.evil.test")).toEqual([
      [],
      ["account KEY", "deployment WIDE"],
    ]);
  });

  test("with a body gets those of its host that go into bodies, unasked", async () => {
    await ofAccount("HEADER", "one");
    await ofAccount("BODY", "two", { body: true });
    await ofDeployment("SHARED", "three", { body: true });
    await ofAccount("ELSEWHERE", "four", { body: true, hosts: ["other.example.com"] });
    expect(await valuesOf({ hasBody: true })).toEqual({ BODY: "two", SHARED: "three" });
    expect(await opened({ hasBody: true })).toMatchObject({ misdirected: [] });
    expect(await valuesOf({})).toEqual({});
  });

  test("of a session's own container gets nothing of another session", async () => {
    await ofSession("KEY", "one");
    const placeholders = Object.values(await variables());
    expect(await valuesOf({ placeholders })).toEqual({ KEY: "one" });
    expect(await valuesOf({ placeholders, session: SESSION })).toEqual({ KEY: "one" });
    expect(await opened({ placeholders, session: FORK })).toEqual({ open: [], misdirected: [] });
  });

  test("by plain HTTP gets none, and what was withheld is told", async () => {
    await ofAccount("KEY", "one");
    await ofAccount("BODY", "two", { body: true });
    const placeholders = Object.values(await variables());
    const { open, misdirected } = await opened({ placeholders, hasBody: true, isPrivate: false });
    expect(open).toEqual([]);
    expect(misdirected.map(({ name }) => name).toSorted()).toEqual(["BODY", "KEY"]);
  });

  test("with a placeholder that nobody has gets nothing", async () => {
    await ofAccount("KEY", "one");
    const placeholders = [`ce_secret_a_${"0".repeat(32)}`];
    expect(await opened({ placeholders })).toEqual({ open: [], misdirected: [] });
  });
});

describe("what is stored", () => {
  const stored = () => JSON.stringify(deployment.rows("ada", "SELECT * FROM secrets"));

  test("is sealed", async () => {
    await ofAccount("KEY", "marked-value");
    expect(stored()).toContain("KEY");
    expect(stored()).not.toContain("marked-value");
    const bytes = deployment.rows("ada", "SELECT sealed FROM secrets") as { sealed: Uint8Array }[];
    expect(new TextDecoder("latin1").decode(bytes[0]!.sealed)).not.toContain("marked");
  });

  test("is gone with its session, and with what is taken away", async () => {
    await ofSession("KEY", "one");
    await ofSession("OTHER", "two");
    deployment.account.changeSecrets(SESSION, { set: [], remove: ["OTHER"] });
    expect(Object.keys(await variables())).toEqual(["KEY"]);
    deployment.account.removeSession(SESSION);
    expect(stored()).toBe("[]");
  });

  test("of credentials is what options still hold", async () => {
    for (const name of ["one", "two"]) await ofSessionCredential(name);
    const rows = deployment.rows("ada", "SELECT name, placeholder FROM secrets") as {
      placeholder: string;
    }[];
    const keep = [rows[0]!.placeholder];
    const credentials = { prefix: "mcp:", keep };
    deployment.account.changeSecrets(SESSION, { set: [], remove: [], credentials });
    expect(deployment.rows("ada", "SELECT name FROM secrets")).toEqual([{ name: "mcp:one" }]);
    // They are no variables, and not in lists.
    expect(await variables()).toEqual({});
    expect(await deployment.account.secret("list", [SESSION])).toEqual({ secrets: [] });
  });

  const ofSessionCredential = async (name: string) => {
    const secret = await sealed("KEY", "v", "session", { session: SESSION });
    deployment.account.changeSecrets(SESSION, {
      set: [{ ...secret, name: `mcp:${name}` }],
      remove: [],
    });
  };

  test("is copied for a fork, once", async () => {
    await ofSession("KEY", "one");
    await deployment.account.secret("copy", [SESSION, FORK]);
    await ofSession("KEY", "changed", { session: FORK });
    await deployment.account.secret("copy", [SESSION, FORK]);
    expect(await valuesOf({ placeholders: Object.values(await variables(FORK)) })).toEqual({
      KEY: "changed",
    });
    expect(await valuesOf({ placeholders: Object.values(await variables()) })).toEqual({
      KEY: "one",
    });
  });

  test("is a hundred secrets at the most, and the one too many changes nothing", async () => {
    for (let index = 0; index < 100; index += 1) await ofAccount(`KEY_${index}`, "v");
    await ofAccount("KEY_7", "again");
    await expect(ofAccount("KEY_100", "v")).rejects.toMatchObject({ code: "too_many_secrets" });
    expect(Object.keys(await variables())).toHaveLength(100);
  });
});

describe("another root key", () => {
  const rotate = (keys: { CLAUDE_EDGE_ROOT_KEY: string; CLAUDE_EDGE_ROOT_KEY_OLD?: string }) => {
    Object.assign(deployment.env, { CLAUDE_EDGE_ROOT_KEY_OLD: undefined, ...keys });
    for (const name of ["ada", "/accounts"]) deployment.restart(name);
  };

  test("opens what the old one has sealed while that is set; what was used or listed needs it no more", async () => {
    await ofAccount("USED", "one");
    await ofAccount("LISTED", "two");
    await ofSession("OF_SESSION", "three");
    await ofDeployment("SHARED", "four");
    const placeholders = await variables();
    rotate({ CLAUDE_EDGE_ROOT_KEY: NEW_KEY, CLAUDE_EDGE_ROOT_KEY_OLD: OLD_KEY });
    expect(await valuesOf({ placeholders: [placeholders.USED!] })).toEqual({ USED: "one" });
    rotate({ CLAUDE_EDGE_ROOT_KEY: NEW_KEY });
    expect(await valuesOf({ placeholders: [placeholders.USED!] })).toEqual({ USED: "one" });
    await expect(opened({ placeholders: [placeholders.LISTED!] })).rejects.toMatchObject({
      code: "secret_unreadable",
    });
    expect(await deployment.account.secret("list", [undefined])).toMatchObject({
      secrets: [{ name: "LISTED", unreadable: true }, { name: "USED" }],
    });

    rotate({ CLAUDE_EDGE_ROOT_KEY: NEW_KEY, CLAUDE_EDGE_ROOT_KEY_OLD: OLD_KEY });
    await variables();
    const listed = await deployment.account.secret("list", [undefined]);
    expect(JSON.stringify(listed)).not.toContain("unreadable");
    rotate({ CLAUDE_EDGE_ROOT_KEY: NEW_KEY });
    expect(await valuesOf({ placeholders: Object.values(placeholders) })).toEqual({
      USED: "one",
      LISTED: "two",
      OF_SESSION: "three",
      SHARED: "four",
    });
  });
});
