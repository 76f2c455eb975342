import { chmodSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { CTRL_C } from "./support/approvals.js";
import { useProjects } from "./support/project.js";
import { useCli } from "./support/run.js";
import { hasTerminal, openTerminal } from "./support/terminal.js";

const makeProject = useProjects();
const { empty } = useCli();

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
