import { afterEach, beforeEach, expect, test } from "vitest";

import { startScriptedModel, type ScriptedModel } from "../../local/src/model/server.js";
import { TestRunner } from "./support/runner.js";

let runner: TestRunner;
let model: ScriptedModel;
beforeEach(async () => {
  runner = new TestRunner();
  model = await startScriptedModel();
});
afterEach(async () => {
  await runner.close();
  await model.close();
});

test("with no time for it there is no background: commands run in the foreground", async () => {
  await runner.launch({
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: model.key,
    CLAUDE_EDGE_BACKGROUND_MS: "0",
  });
  const session = runner.session();
  const input = JSON.stringify({ command: "echo done > a.txt", run_in_background: true });
  const frames = await (await session.begin(`%tool Bash ${input}\n%say The end.`)).end();
  expect(frames.at(-1)).toMatchObject({ status: "completed", result: { text: "The end." } });
  expect(JSON.stringify(frames)).not.toContain("background_tasks_changed");
  expect(JSON.stringify(frames)).not.toContain("session_state_changed");
  const control = { method: "backgroundTasks", args: [], options: {} };
  const answer = await runner.json("POST", `/sessions/${session.id}/control`, control);
  expect(answer).toMatchObject({ error: expect.stringMatching(/background/i) });
});
