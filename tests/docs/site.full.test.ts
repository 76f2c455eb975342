/** The documentation builds as a site: pages, their Markdown, and llms.txt. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { ROOT, runNode } from "./run.js";

const folder = mkdtempSync(join(tmpdir(), "docs-site-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every page is there, as a page and as Markdown, and llms.txt names it", async () => {
  // A dead link ends the build.
  const build = ["node_modules/vitepress/bin/vitepress.js", "build", "docs", "--outDir", folder];
  const { code, printed } = await runNode(build);
  expect({ code, printed }).toMatchObject({ code: 0 });
  const built = readdirSync(folder);
  const index = readFileSync(join(folder, "llms.txt"), "utf8");
  const pages = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  for (const page of [...pages, "client.md", "security.md"]) {
    expect(built).toContain(page);
    expect(built).toContain(page.replace(/md$/, "html"));
    expect(index).toContain(`(/${page})`);
  }
  const start = readFileSync(join(folder, "index.html"), "utf8");
  const links = [...start.matchAll(/<a [^>]*href="([^"#]*)/g)].map(([, href]) => href);
  expect(links).toContain("/quickstart");
  expect(links.filter((href) => href?.endsWith(".md"))).toEqual([]);
});
