import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";

import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { CTRL_C } from "./support/keys.js";
import { useProjects } from "./support/project.js";
import { useCli } from "./support/run.js";
import { hasTerminal, openTerminal } from "./support/terminal.js";

const makeProject = useProjects();
const { empty, run } = useCli();

/** A Docker engine that says it is there, and no more. */
let engine: Server;
const socket = () => join(empty, "docker.sock");
beforeAll(async () => {
  engine = createServer((_request, response) => void response.end("OK"));
  await new Promise<void>((done) => void engine.listen(socket(), done));
});
afterAll(() => void engine.close());

test("of two that are started at the same time one gives way", async () => {
  const project = makeProject();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const up = Promise.withResolvers<void>();
  const args = ["dev", project, "--scripted", "--port", "0"];
  const start = () => run(args, { signal: stop.signal, onOutput: () => up.resolve() });
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
