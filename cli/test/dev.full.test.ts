import { appendFileSync, chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";

import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { useDev } from "./support/dev.js";
import { CTRL_C } from "./support/keys.js";
import { hasTerminal, openTerminal } from "./support/terminal.js";

const { empty, run, runProcess, makeProject, whileDev } = useDev();

test("it follows edits of the Worker and of the agent", async () => {
  const project = makeProject();
  const ask = () => run(["query", "%say Found you."], { cwd: project });
  const [worker, agent] = [join(project, "src", "worker.ts"), join(project, "agent.config.ts")];
  const sources = new Map([worker, agent].map((path) => [path, readFileSync(path, "utf8")]));
  const edit = async (_url: string, output: () => string) => {
    expect(await ask()).toMatchObject({ code: 0, stdout: "Found you.\n" });
    appendFileSync(worker, "// edited\n");
    await until("the edited Worker answers", async () => (await ask()).code === 0);
    writeFileSync(worker, "export default {");
    await until("the broken Worker is reported", () => output().includes("worker.ts"));
    writeFileSync(worker, sources.get(worker)!);
    await until("the mended Worker answers", async () => (await ask()).code === 0);

    writeFileSync(agent, "export default {");
    await until("the broken agent is reported", async () => {
      const { code, stderr } = await ask();
      return code === 1 && stderr.includes("agent.config.ts");
    });
    writeFileSync(agent, sources.get(agent)!);
    await until("the mended agent answers", async () => (await ask()).code === 0);
  };
  await whileDev(project, edit, "runProcess");
});

test("of two that are started at the same time one gives way", async () => {
  const project = makeProject();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const up = Promise.withResolvers<void>();
  const args = ["dev", project, "--scripted", "--port", "0"];
  const start = () => runProcess(args, { signal: stop.signal, onOutput: () => up.resolve() });
  const both = [start(), start()];
  const loser = await Promise.race(both);
  expect(loser).toMatchObject({ code: 6, stdout: "" });
  expect(loser.stderr).toContain("already: ");
  // The other goes on, and is found.
  await up.promise;
  expect(await run(["query", "%say Hi."], { cwd: project })).toMatchObject({ stdout: "Hi.\n" });
  stop.abort();
  const codes = (await Promise.all(both)).map(({ code }) => code);
  expect(codes.toSorted()).toEqual([0, 6]);
  expect(readdirSync(join(project, ".wrangler", "claude-edge"))).not.toContain("dev.lock");
});

/** A Docker engine that says it is there, and no more. */
let engine: Server;
const socket = () => join(empty, "docker.sock");
beforeAll(async () => {
  engine = createServer((_request, response) => void response.end("OK"));
  await new Promise<void>((done) => void engine.listen(socket(), done));
});
afterAll(() => void engine.close());

test.runIf(hasTerminal)("Ctrl-C while the image is built is no failure", async () => {
  const docker = join(empty, "docker");
  writeFileSync(docker, "#!/bin/sh\necho step one\nexec sleep 60\n");
  chmodSync(docker, 0o755);
  const env = { DOCKER_HOST: `unix://${socket()}`, WRANGLER_DOCKER_BIN: docker };
  const args = ["dev", makeProject(), "--docker", "--scripted", "--port", "0"];
  const { shows, type, ended, raw } = openTerminal(args, { env, cwd: empty });
  await shows("step one");
  type(CTRL_C);
  expect(await ended).toBe(130);
  expect(raw()).not.toContain("error:");
});

// The signal goes to workerd too, which ends before wrangler expects it.
test.runIf(hasTerminal)("Ctrl-C ends it as soon as it is up", async () => {
  const args = ["dev", makeProject(), "--scripted", "--port", "0"];
  const { shows, type, ended, raw } = openTerminal(args, { env: {}, cwd: empty });
  await shows("http://127.0.0.1:");
  type(CTRL_C);
  await ended;
  expect(raw()).toContain("stopping");
});
