import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { ACCOUNT, cli, SCRIPT, shell, useFolder } from "./files-page.js";

const edge = useStack();
const folder = useFolder();

test("the lines with the CLI do what they say", async () => {
  writeFileSync(join(folder, "sales.csv"), "month,sum\nMay,3\n");
  writeFileSync(join(folder, "photo.png"), "no picture");
  mkdirSync(join(folder, "project"), { recursive: true });
  writeFileSync(join(folder, "project/main.ts"), "export {};\n");
  const session = await edge.client(ACCOUNT).sessions.create({ allowedTools: ["Bash"] });
  const { turnId } = await session.send(SCRIPT);
  const lines = cli
    .replaceAll("9f8b0ae3", session.id.slice(0, 8))
    .replaceAll("5c1f2d7e", turnId.slice(0, 8));
  await shell(lines, edge, folder);
  expect(readFileSync(join(folder, "result/main.ts"), "utf8")).toBe("export {};\n");
  expect(await (await session.files.get("summary.md")).text()).toBe("Three in May.\n");
});
