import { afterAll } from "vitest";

import { makeProject, r2Project } from "./project.js";

/** A copy of the template project with other files in it, gone after the file's tests. */
export function useProject(files: Record<string, string> = {}): string {
  const { folder, remove } = makeProject(files);
  afterAll(remove);
  return folder;
}

/** The same, with files kept in R2. */
export function useR2Project(): string {
  const { folder, remove } = r2Project();
  afterAll(remove);
  return folder;
}
