import type { LimitsReport } from "@claude-edge/client";
import { expect, test } from "vitest";

import { useAccounts } from "./support/accounts.js";

const { edge, cli: run } = useAccounts("limits");

const cli = (account: string, ...args: string[]) => run(account, ["limits", ...args]);

const cellsOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.trim().split(/ {2,}/));

test("is a table of what may be used and what is", async () => {
  await edge.client("table").query("%cache 300 40\n%say Hi.");
  const { code, stdout, stderr } = await cli("table");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [head, ...rows] = cellsOf(stdout);
  expect(head).toEqual(["LIMIT", "USED", "ALLOWED", "WHOSE"]);
  expect(rows).toEqual([
    ["turns at once", "0", "1", "the deployment's"],
    ["turns that wait", "0", "100", "the deployment's"],
    ["sessions", "1", "none", "the deployment's"],
    ["requests a minute", "none", "the deployment's"],
    ["tokens a day", expect.stringMatching(/^\d{4,}$/), "none", "the deployment's"],
    ["dollars a day", expect.stringMatching(/^0\.0\d{3}$/), "none", "the deployment's"],
  ]);
});

test("sets what is named, and gives it back to the deployment", async () => {
  const set = await cli("set", "set", "--dollars-per-day", "2.5", "--sessions", "none", "--json");
  expect(set.code).toBe(0);
  const { limits, own } = JSON.parse(set.stdout) as LimitsReport;
  expect(limits).toMatchObject({ dollars_per_day: 2.5, max_sessions: null });
  expect(own).toEqual(["max_sessions", "dollars_per_day"]);
  const shown = await cli("set");
  expect(shown.stdout).toMatch(/dollars a day +0\.0000 +2\.5 +the account's/);
  const back = await cli("set", "set", "--dollars-per-day", "default", "--json");
  expect((JSON.parse(back.stdout) as LimitsReport).own).toEqual(["max_sessions"]);
});

test.each([
  [["set"], "Name a limit"],
  [["set", "--sessions", "many"], "must be a number"],
  [["set", "--dollars-per-day", "-1"], "must be a number"],
  [["set", "--dollars-per-day", " "], "must be a number"],
  [["set", "--concurrent-turns", "0"], "max_concurrent_turns"],
  [["set", "--concurrent-turns", "none"], "max_concurrent_turns"],
  [["set", "--tokens-per-day", "0.5"], "tokens_per_day"],
])("%j is refused", async (args, words) => {
  const { code, stdout, stderr } = await cli("bad", ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(words);
});

test("without the root key limits are seen and not set", async () => {
  const { token } = await edge.client("held").tokens.create({ scopes: ["sessions:read"] });
  const env = { CLAUDE_EDGE_TOKEN: token };
  expect((await run("held", ["limits"], { env })).code).toBe(0);
  const set = await run("held", ["limits", "set", "--sessions", "9"], { env });
  expect(set.code).toBe(4);
  expect(set.stderr).toContain("root key");
});

test("a budget that is spent ends a query with words of its own", async () => {
  await cli("spent", "set", "--tokens-per-day", "0");
  const { code, stderr } = await run("spent", ["query", "%say Never."]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/budget.*0 of 0 tokens/s);
});
