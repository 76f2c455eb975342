import { beforeEach, describe, expect, test } from "vitest";

import { makeHome, type Home } from "./support/home.js";
import { useCli, type RunOptions } from "./support/run.js";

const { empty, run } = useCli();

let home: Home;
beforeEach(() => {
  home = makeHome(empty);
});
const cli = (args: string[], options: RunOptions = {}) =>
  run(args, { ...options, env: { ...home.env, ...options.env } });

describe("claude-edge config and logout", () => {
  const token = "ce_root_0123456789abcdefghij";
  beforeEach(() =>
    home.write({
      current: "a",
      profiles: {
        a: { url: "https://a.example", token },
        b: { url: "https://b.example", token, account: "acme" },
      },
    }),
  );

  test("lists what a command would find, keys masked", async () => {
    const { code, stdout, stderr } = await cli(["config"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "profile=a\nurl=https://a.example\ntoken=****ghij\n",
    });
    expect(stderr).toBe("saved profiles: a, b\n");
    const env = { CLAUDE_EDGE_PROFILE: "b", CLAUDE_EDGE_ACCOUNT: "other" };
    expect((await cli(["config", "list", "--show-origin"], { env })).stdout).toBe(
      [
        "CLAUDE_EDGE_PROFILE\tprofile=b",
        "profile b\turl=https://b.example",
        "CLAUDE_EDGE_ACCOUNT\taccount=other",
        "profile b\ttoken=****ghij",
        "",
      ].join("\n"),
    );
    const json = await cli(["config", "list", "--json"]);
    expect(json.stdout).not.toContain(token);
    expect(JSON.parse(json.stdout)).toMatchObject({
      url: { value: "https://a.example", origin: "profile a" },
      profiles: ["a", "b"],
    });
  });

  test("gets, sets and takes away", async () => {
    const ok = { code: 0, stdout: "", stderr: "" };
    expect(await cli(["config", "get", "account"])).toMatchObject({ code: 5, stdout: "" });
    expect(await cli(["config", "set", "account", "me"])).toEqual(ok);
    expect(await cli(["config", "get", "account"])).toEqual({ ...ok, stdout: "me\n" });
    expect(await cli(["config", "set", "profile", "b"])).toEqual(ok);
    expect(await cli(["config", "get", "url"])).toEqual({ ...ok, stdout: "https://b.example\n" });
    expect(await cli(["config", "unset", "account", "--profile", "b"])).toEqual(ok);
    expect(await cli(["config", "set", "url", "https://b.example/"])).toEqual(ok);
    expect(home.read()).toEqual({
      current: "b",
      profiles: {
        a: { url: "https://a.example", token, account: "me" },
        b: { url: "https://b.example", token },
      },
    });
    expect(home.modes()).toEqual([0o600, 0o700]);
    expect((await cli(["config", "get", "token"])).stdout).toBe("****ghij\n");
    expect(await cli(["config", "unset", "profile"])).toEqual(ok);
    expect(home.read()).not.toHaveProperty("current");
  });

  test.each([
    ["a key as an argument", ["set", "token", "sk-secret"], 2, "login"],
    ["no such setting", ["set", "colour", "red"], 2, "profile, url, account, token"],
    ["no such setting to get", ["get", "toString"], 2, "There is no setting"],
    ["a profile there is not", ["set", "profile", "c"], 5, "a, b"],
    ["an account that cannot be", ["set", "account", "a b"], 2, "letters"],
    ["a URL that is none", ["set", "url", "b.example"], 2, "https://"],
    ["a profile without its URL", ["unset", "url"], 2, "logout"],
    ["no value", ["set", "url"], 2, "missing required argument"],
  ])("%s is refused", async (_what, args, code, message) => {
    const before = home.read();
    const result = await cli(["config", ...args]);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toContain("sk-secret");
    expect(home.read()).toEqual(before);
  });

  test("logout forgets the current profile, or the one named, and no other", async () => {
    const { code, stdout, stderr } = await cli(["logout"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("config set profile b");
    expect(Object.keys(home.read().profiles)).toEqual(["b"]);
    expect(home.read()).not.toHaveProperty("current");
    expect(await cli(["query", "hi"])).toMatchObject({ code: 2 });
    expect(await cli(["logout"])).toMatchObject({ code: 5 });
    expect(await cli(["logout", "--profile", "b"])).toMatchObject({ code: 0 });
    expect(home.read()).toEqual({ profiles: {} });
  });
});
