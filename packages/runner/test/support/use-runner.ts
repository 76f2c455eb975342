import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll } from "vitest";

// From its source: the package's entry loads wrangler, 1.5 s of CPU.
import { startScriptedModel, type ScriptedModel } from "../../../local/src/model/server.js";
import { TestRunner } from "./runner.js";

/** A runner for all tests of a file: starting one takes 0.8 s of CPU. With a user it runs as that one. */
export function useRunner({
  user,
  env = {},
}: { user?: number; env?: Record<string, string> } = {}) {
  const runner = new TestRunner(user);
  beforeAll(() => {
    process.umask(0o022);
    return runner.launch(env);
  });
  afterAll(() => runner.close());
  return runner;
}

/** The same with a scripted model for its agents to ask. `agent`: the text of an agent.config.mjs. */
export function useRunnerWithModel({
  agent,
  env = {},
}: { agent?: (folder: string) => string; env?: Record<string, string> } = {}) {
  const runner = new TestRunner();
  let model: ScriptedModel;
  beforeAll(async () => {
    process.umask(0o022);
    if (agent) writeFileSync(join(runner.folder, "agent.config.mjs"), agent(runner.folder));
    model = await startScriptedModel();
    await runner.launch({ ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: model.key, ...env });
  });
  afterAll(async () => {
    await runner.close();
    await model.close();
  });
  return {
    runner,
    /** What the model was asked last: the messages as JSON. */
    asked: () => JSON.stringify(model.requests.at(-1)!.body.messages),
    get model() {
      return model;
    },
  };
}
