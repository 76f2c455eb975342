import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { loadAgent } from "./agent-definition.js";

/** Loads a definition that a folder has in its agent.config.mjs. */
function load(definition: object) {
  const folder = mkdtempSync(join(tmpdir(), "agent-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "agent.config.mjs"), `export default ${JSON.stringify(definition)};`);
  return loadAgent(folder);
}

describe("the workspace in an agent's definition", () => {
  test("is kept as it is", async () => {
    const workspace = { ignore: ["data/", "*.log"], gitignore: true };
    expect(await load({ workspace })).toMatchObject({ workspace });
  });

  test.each([
    ["all", "workspace must be an object"],
    [{ ignore: "data/" }, "workspace.ignore must be a list of patterns"],
    [{ ignore: [1] }, "workspace.ignore must be a list of patterns"],
    [{ gitignore: "yes" }, "workspace.gitignore must be true or false"],
    [{ ignored: [] }, "workspace has no option ignored"],
  ])("that is wrong is told: %j", async (workspace, problem) => {
    await expect(load({ workspace })).rejects.toThrow(problem);
  });
});
