import type { UsageReport } from "@claude-edge/client";
import { expect, test } from "vitest";

import { useAccounts } from "./support/accounts.js";

const { edge: stack, cli: run } = useAccounts();

const cli = (account: string, ...args: string[]) => run(account, ["usage", ...args]);

/** The cells of a table's lines. */
const cellsOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

test("is a table by day, with a total", async () => {
  const client = stack.client("table");
  for (const words of [10, 20]) await client.query(`%cache 300 40\n%tokens ${words}`);
  const { code, stdout, stderr } = await cli("table");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [head, day, total] = cellsOf(stdout);
  expect(head).toEqual(["DAY", "TURNS", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "COST"]);
  const { total: sums } = await client.usage();
  const figures = [
    "2",
    String(sums.input_tokens),
    "30",
    "600",
    "80",
    `$${sums.cost_usd.toFixed(4)}`,
  ];
  expect(day!.slice(1)).toEqual(figures);
  expect(day![0]).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(total).toEqual(["TOTAL", ...figures]);
  const [width] = stdout.split("\n").map((line) => line.length);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.length),
  ).toEqual([width, width, width]);
});

test("is split by session and by model, and the dearest comes first", async () => {
  const client = stack.client("split");
  const [small, large] = [
    await client.query("%say Small.", { model: "claude-haiku-4-5" }),
    await client.query("%tokens 3000", { model: "claude-opus-5-5" }),
  ];
  const sessions = cellsOf((await cli("split", "--by", "session")).stdout);
  expect(sessions.map(([key]) => key)).toEqual([
    "SESSION",
    large.sessionId,
    small.sessionId,
    "TOTAL",
  ]);
  const models = cellsOf((await cli("split", "--by", "model")).stdout);
  expect(models.map(([key, turns]) => [key, turns])).toEqual([
    ["MODEL", "TURNS"],
    ["claude-opus-5-5", "1"],
    ["claude-haiku-4-5", "1"],
    ["TOTAL", "2"],
  ]);
});

test("--json is exact, also for an account that has used nothing", async () => {
  await stack.client("json").query("%tokens 7");
  const { stdout } = await cli("json", "--json", "--by", "model");
  const report = JSON.parse(stdout) as UsageReport;
  expect(report).toEqual(await stack.client("json").usage({ group: "model" }));
  expect(report.groups).toHaveLength(1);

  const nothing = await cli("nothing", "--json", "--from", "2026-11-01");
  expect(nothing).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(nothing.stdout)).toMatchObject({ from: "2026-11-01", groups: [] });
  expect(await cli("nothing")).toEqual({
    code: 0,
    stdout: "",
    stderr: "account nothing has used nothing in that time\n",
  });
});

test("takes days from and to, the last included", async () => {
  await stack.client("days").query("%say Today.");
  const day = cellsOf((await cli("days")).stdout)[1]![0]!;
  expect(cellsOf((await cli("days", "--from", day, "--to", day)).stdout)[2]![1]).toBe("1");
  const before = await cli("days", "--to", "2026-01-31");
  expect(before).toMatchObject({ code: 0, stdout: "" });
});

test.each([
  ["a split that is none", ["--by", "hour"], "day, session, model"],
  ["a day that is none", ["--from", "yesterday"], "2026-11-01"],
  ["days in the wrong order", ["--from", "2026-11-02", "--to", "2026-11-01"], "behind"],
])("%s is refused", async (_what, args, says) => {
  const { code, stdout, stderr } = await cli("refused", ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
});
