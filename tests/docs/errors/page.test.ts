import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { troubleshootingPage } from "./page.js";

/** oxfmt pads the cells of tables. */
const unpadded = (page: string) => page.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");

test("docs/troubleshooting.md is made from the table of errors: npm run docs:errors", () => {
  const page = readFileSync(new URL("../../../docs/troubleshooting.md", import.meta.url), "utf8");
  expect(unpadded(page)).toBe(unpadded(troubleshootingPage()));
});
