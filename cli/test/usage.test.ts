import type { UsageReport } from "@claude-edge/client";
import { beforeAll, expect, test } from "vitest";

import { useAccounts } from "./support/accounts.js";

const { edge: stack, cli: run } = useAccounts("usage");

/** Of two turns, on the dearer model. */
let large: string;
let small: string;
beforeAll(async () => {
  const client = stack.client("used");
  const session = await client.sessions.create({ model: "claude-opus-5-5" });
  for (const words of [10, 3000]) await session.send(`%cache 300 40\n%tokens ${words}`);
  large = session.id;
  small = (await client.query("%say Small.", { model: "claude-haiku-4-5" })).sessionId;
});

const cli = (account: string, ...args: string[]) => run(account, ["usage", ...args]);

/** The cells of a table's lines. */
const cellsOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

test("is a table by day, with a total", async () => {
  const { code, stdout, stderr } = await cli("used");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [head, day, total] = cellsOf(stdout);
  expect(head).toEqual(["DAY", "TURNS", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "COST"]);
  const { total: sums } = await stack.client("used").usage();
  const figures = [
    "3",
    String(sums.input_tokens),
    String(sums.output_tokens),
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
  const sessions = cellsOf((await cli("used", "--by", "session")).stdout);
  expect(sessions.map(([key]) => key)).toEqual(["SESSION", large, small, "TOTAL"]);
  const models = cellsOf((await cli("used", "--by", "model")).stdout);
  expect(models.map(([key, turns]) => [key, turns])).toEqual([
    ["MODEL", "TURNS"],
    ["claude-opus-5-5", "2"],
    ["claude-haiku-4-5", "1"],
    ["TOTAL", "3"],
  ]);
});

test("--json is exact, also for an account that has used nothing", async () => {
  const { stdout } = await cli("used", "--json", "--by", "model");
  const report = JSON.parse(stdout) as UsageReport;
  expect(report).toEqual(await stack.client("used").usage({ group: "model" }));
  expect(report.groups).toHaveLength(2);

  const nothing = await cli("nothing", "--json", "--from", "2026-11-01");
  expect(nothing).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(nothing.stdout)).toMatchObject({ from: "2026-11-01", groups: [] });
  expect(await cli("nothing")).toEqual({
    code: 0,
    stdout: "",
    stderr: "account usage-nothing has used nothing in that time\n",
  });
});

test("takes days from and to, the last included", async () => {
  const day = cellsOf((await cli("used")).stdout)[1]![0]!;
  expect(cellsOf((await cli("used", "--from", day, "--to", day)).stdout)[2]![1]).toBe("3");
  const before = await cli("used", "--to", "2026-01-31");
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
