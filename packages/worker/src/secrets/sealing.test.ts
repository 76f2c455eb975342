import { describe, expect, test } from "vitest";

import type { Env } from "../env.js";
import { isOfOldKey, open, seal, type SecretIdentity } from "./sealing.js";

const [OLD, NEW] = ["ce_root_old".padEnd(40, "x"), "ce_root_new".padEnd(40, "y")];
const envOf = (CLAUDE_EDGE_ROOT_KEY: string, CLAUDE_EDGE_ROOT_KEY_OLD?: string) =>
  ({ CLAUDE_EDGE_ROOT_KEY, CLAUDE_EDGE_ROOT_KEY_OLD }) as Env;
const KEY: SecretIdentity = { scope: "account", account: "ada", session: "", name: "KEY" };
const UNREADABLE = expect.objectContaining({ code: "secret_unreadable" });

test("a value is opened as it was sealed, and looks different each time", async () => {
  const env = envOf(NEW);
  for (const value of ["sk-1", "é\n🙂", "x".repeat(65_536)]) {
    const [one, other] = [await seal(env, KEY, value), await seal(env, KEY, value)];
    expect(await open(env, KEY, one)).toBe(value);
    expect(one.bytes).not.toEqual(other.bytes);
    expect(one.keyId).toMatch(/^[0-9a-f]{16}$/);
    expect(new TextDecoder("latin1").decode(one.bytes)).not.toContain(value);
  }
});

describe("a sealed value cannot be opened", () => {
  test.each<[what: string, as: Partial<SecretIdentity>]>([
    ["name", { name: "OTHER" }],
    ["account", { account: "bob" }],
    ["scope", { scope: "deployment", account: "" }],
    ["session", { scope: "session", session: "s" }],
  ])("as one of another %s", async (_what, as) => {
    const sealed = await seal(envOf(NEW), KEY, "sk-1");
    await expect(open(envOf(NEW), { ...KEY, ...as }, sealed)).rejects.toEqual(UNREADABLE);
  });

  test("when it was changed, with another root key, or without one", async () => {
    const sealed = await seal(envOf(NEW), KEY, "sk-1");
    const changed = sealed.bytes.slice();
    changed[20]! ^= 1;
    await expect(open(envOf(NEW), KEY, { ...sealed, bytes: changed })).rejects.toEqual(UNREADABLE);
    await expect(open(envOf(OLD), KEY, sealed)).rejects.toEqual(UNREADABLE);
    await expect(open(envOf(""), KEY, sealed)).rejects.toEqual(UNREADABLE);
    await expect(seal(envOf("", OLD), KEY, "x")).rejects.toMatchObject({ code: "not_configured" });
  });
});

test("with the old root key set, what it sealed can be opened, and is told from the rest", async () => {
  const before = await seal(envOf(OLD), KEY, "sk-1");
  const rotated = envOf(NEW, OLD);
  expect(await open(rotated, KEY, before)).toBe("sk-1");
  expect(await isOfOldKey(rotated, before)).toBe(true);
  const anew = await seal(rotated, KEY, "sk-1");
  expect(await isOfOldKey(rotated, anew)).toBe(false);
  expect(await open(envOf(NEW), KEY, anew)).toBe("sk-1");
});
