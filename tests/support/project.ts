import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll } from "vitest";

import { TEMPLATE } from "./stack.js";

/** Below the repository's folder, so that its packages are found. */
const PROJECTS = fileURLToPath(new URL("../.test-projects", import.meta.url));

/** A copy of the template project with other files in it, gone after the file's tests. */
export function useProject(files: Record<string, string> = {}): string {
  mkdirSync(PROJECTS, { recursive: true });
  const project = mkdtempSync(join(PROJECTS, "p-"));
  const isSource = (path: string) => !/\.wrangler|node_modules|\.dev\.vars/.test(path);
  cpSync(TEMPLATE, project, {
    recursive: true,
    filter: (path) => isSource(path.slice(TEMPLATE.length)),
  });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  afterAll(() => rmSync(project, { recursive: true, force: true }));
  return project;
}
