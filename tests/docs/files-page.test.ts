import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { ACCOUNT, deploymentOf, http, page, SCRIPT, shell, useFolder } from "./files-page.js";
import { snippetsOf } from "./markdown.js";
import { runNode } from "./run.js";

const edge = useStack();
const folder = useFolder();

test("the lines with curl do what they say", async () => {
  writeFileSync(join(folder, "sales.csv"), "month,sum\nMay,3\n");
  const session = await edge.client(ACCOUNT).sessions.create();
  const printed = await shell(http, edge, folder, { SESSION: session.id });
  expect(readFileSync(join(folder, "copy.csv"), "utf8")).toBe("month,sum\nMay,3\n");
  for (const part of [
    '"entries":[]',
    '"path":"data/sales.csv"',
    "copy.csv\nsales.csv\n",
    '"change":"added"',
    '"reason":"write"',
  ]) {
    expect(printed).toContain(part);
  }
  const left = [];
  for await (const { path } of session.files.list("", { recursive: true })) left.push(path);
  expect(left).toEqual(["more", "more/copy.csv", "more/sales.csv"]);
});

test("the program does what it says", async () => {
  const [{ code } = { code: "" }] = snippetsOf(page);
  const input = code.replace('"Sum up data/sales.csv in summary.md."', JSON.stringify(SCRIPT));
  const env = { ...(await deploymentOf(edge)), NO_COLOR: "1" };
  const ran = await runNode(["--input-type=module-typescript"], { input, env });
  expect(ran).toEqual({
    code: 0,
    printed: expect.stringContaining(
      "data/sales.csv 16\nsummary.md 14\nThree in May.\n\nadded data/sales.csv\nadded summary.md\n",
    ),
  });
});
