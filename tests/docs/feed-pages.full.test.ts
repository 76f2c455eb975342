import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { snippetsOf } from "./markdown.js";
import { ROOT, typeCheck } from "./run.js";

/** Below the repository's folder, so that its packages are found. */
const folder = join(ROOT, "tests/.test-projects/feed-pages");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what the pages of the feed and of webhooks show compiles", async () => {
  mkdirSync(folder, { recursive: true });
  for (const page of ["feed", "webhooks"]) {
    const text = readFileSync(join(ROOT, `docs/${page}.md`), "utf8");
    for (const { code, line } of snippetsOf(text)) {
      // The pages say where the token is from, and its program has it.
      const ambient = code.includes("${token}`]") ? "declare const token: string;\n" : "";
      writeFileSync(join(folder, `${page}-${line}.ts`), `${ambient}${code}\nexport {};\n`);
    }
  }
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../../examples/tsconfig.json",
      include: ["*.ts"],
    }),
  );
  expect(await typeCheck(folder)).toEqual({ code: 0, printed: "" });
});
