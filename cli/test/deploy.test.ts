import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { API_KEY } from "./support/cloudflare.js";
import { NONE, useDeployments } from "./support/deployments.js";
import { WORKER } from "./support/project.js";

const { edge, cloudflare, deploy, worker, uploads } = useDeployments("deploy");
const { api, empty, cli, makeProject } = cloudflare;

test("first: uploads Worker and secrets, saves the root key, prints the URL, shows no secret", async () => {
  const { code, stdout, stderr } = await deploy([...NONE, "--url", `${edge.stack.url}/`]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${edge.stack.url}\n` });
  expect(stderr).toContain("Uploaded my-agent");
  expect(stderr).toContain("asked nothing");

  expect(uploads()).toHaveLength(1);
  const [{ metadata, parts }] = uploads() as [ReturnType<typeof uploads>[number]];
  expect(parts).toContain(metadata.main_module);
  const classes = metadata.bindings.map(({ class_name }) => class_name);
  expect(classes).toEqual(
    expect.arrayContaining(["AccountDO", "SessionDO", "ContainerDO", "DeploymentDO"]),
  );
  expect(Object.fromEntries(worker().secrets)).toEqual({
    CLAUDE_EDGE_ROOT_KEY: edge.stack.token,
    ANTHROPIC_API_KEY: API_KEY,
  });
  const saved = { url: edge.stack.url, token: edge.stack.token };
  expect(cloudflare.home.read()).toEqual({ current: WORKER, profiles: { [WORKER]: saved } });
  expect(cloudflare.home.modes()).toEqual([0o600, 0o700]);
  const asking = { cwd: empty, env: { CLAUDE_EDGE_ACCOUNT: "deploy" } };
  expect(await cli(["requests"], asking)).toMatchObject({ code: 0 });

  expect(cloudflare.traces.args().some((line) => line.includes("--secrets-file"))).toBe(true);
  const kept = cloudflare.traces.leftovers().map((path) => readFileSync(path, "latin1"));
  for (const secret of [API_KEY, edge.stack.token, api.token]) {
    expect(stderr).not.toContain(secret);
    expect(cloudflare.traces.all()).not.toContain(secret);
    expect(kept.join("\n")).not.toContain(secret);
  }
});

describe("what is checked before anything is run", () => {
  const nothing = () => {
    expect(uploads()).toEqual([]);
    expect(existsSync(cloudflare.home.path)).toBe(false);
  };

  test.each<[string, string[], Record<string, string>, number, string]>([
    ["no Docker", [], { WRANGLER_DOCKER_BIN: "/nowhere/docker" }, 1, "--containers-rollout none"],
    ["a URL that is none", [...NONE, "--url", "agent.example.com"], {}, 2, "https://"],
    [
      "a rollout there is not",
      ["--containers-rollout", "later"],
      {},
      2,
      "immediate, gradual, none",
    ],
  ])("%s", async (_what, args, env, code, message) => {
    const result = await deploy(args, { env });
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
    nothing();
  });

  test("a Docker without its daemon", async () => {
    const docker = join(cloudflare.home.env.HOME, "docker");
    writeFileSync(docker, "#!/bin/sh\nexit 1\n");
    chmodSync(docker, 0o755);
    const env = { WRANGLER_DOCKER_BIN: docker };
    const down = await deploy(["--dry-run"], { env });
    expect(down).toMatchObject({ code: 1, stdout: "" });
    expect(down.stderr).toContain("daemon does not run");
  });

  test("packages of another version, or that are not there", async () => {
    const folder = makeProject();
    const local = join(folder, "node_modules", "@claude-edge", "runner");
    mkdirSync(local, { recursive: true });
    writeFileSync(
      join(local, "package.json"),
      JSON.stringify({ name: "@claude-edge/runner", version: "0.0.1" }),
    );
    const old = await deploy(NONE, { cwd: folder });
    expect(old).toMatchObject({ code: 1, stdout: "" });
    expect(old.stderr).toContain("@claude-edge/runner 0.0.1");
    expect(old.stderr).toContain("npm install");
    const bare = join(empty, "bare");
    mkdirSync(bare, { recursive: true });
    writeFileSync(join(bare, "wrangler.jsonc"), "{}");
    expect(await deploy([bare])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("wrangler is not installed"),
    });
    nothing();
  });

  test("saved profiles that cannot be read, and so not added to", async () => {
    cloudflare.home.write("{");
    const { code, stdout, stderr } = await deploy([...NONE, "--url", edge.stack.url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("is not JSON");
    expect(uploads()).toEqual([]);
  });

  test("no project, and a config that is broken", async () => {
    expect(await deploy([join(empty, "none")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no wrangler.jsonc"),
    });
    const broken = makeProject(() => '{ "name": ');
    const { code, stderr } = await deploy([broken]);
    expect(code).toBe(1);
    expect(stderr).toContain("wrangler.jsonc");
    expect(stderr).not.toContain("    at ");
    nothing();
  });
});
