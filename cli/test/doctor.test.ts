import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { useProject } from "../../tests/support/use-project.js";
import { found, useDoctor } from "./support/doctor.js";

const { edge, empty, run, key, doctor, folderWith, devFolder } = useDoctor("doctor");

describe("claude-edge doctor, where all is well", () => {
  const project = useProject();

  test("finds nothing, and ends with 0", async () => {
    const env = { ...key(), CLAUDE_EDGE_URL: edge.stack.url, CLAUDE_EDGE_ACCOUNT: "doctor-well" };
    const { code, ids, failed, byId } = await doctor([project, "--start"], { env });
    expect({ code, failed }).toEqual({ code: 0, failed: [] });
    expect(ids).toEqual([
      "node",
      "docker",
      "project",
      "packages",
      "model-key",
      "target",
      "reach",
      "clock",
      "version",
      "token",
      "access",
      "model",
      "files",
      "container",
      "runner",
      "mcp",
      "stream",
    ]);
    expect(byId.mcp).toMatchObject(found("ok", "the agent has none"));
    for (const id of ["packages", "reach", "version", "access", "model", "container", "runner"]) {
      expect(byId[id]).toMatchObject({ id, status: "ok" });
    }
    expect(byId.runner).toMatchObject(found("ok", "runner 0.1.0, Agent SDK 0.3."));
    expect(byId.stream).toMatchObject(found("ok", "3 events that were sent over"));
    expect(byId["model-key"]).toMatchObject(found("warn", "scripted model", ".dev.vars"));
    expect(byId.files).toMatchObject(found("ok", "own storage, up to 1024 MiB"));
  });

  test("for people: a line a check, a fix below, nothing of the key", async () => {
    const env = { ...key(), CLAUDE_EDGE_URL: edge.stack.url };
    const { code, stdout, stderr } = await run(["doctor", project], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const line of stdout.trimEnd().split("\n")) {
      expect(line).toMatch(/^([✓!✗-] [a-z-]+: .+|  fix: .+)$/);
    }
    expect(stdout).toContain("✓ reach: answers in");
    expect(stdout).toContain("- container: it sleeps");
    expect(stdout).toContain("  fix: `claude-edge doctor --start`");
    expect(stdout).not.toContain(edge.stack.token);
    // It was not started by looking.
    expect((await run(["doctor", project], { env })).stdout).toContain("- container: it sleeps");
  });

  test("finds the `dev` of the folder it is given, with its key", async () => {
    const folder = devFolder({ url: edge.stack.url, token: edge.stack.token, pid: process.pid });
    const { byId } = await doctor([folder]);
    expect(byId.target).toMatchObject(found("ok", "`claude-edge dev` that runs here"));
    expect(byId.access).toMatchObject(found("ok", "takes the key"));
    // It has a credential for the model that comes with it, and says so.
    expect(byId.model).toMatchObject(found("ok", "scripted model"));
  });

  test("tries the token that is given, also where a `dev` runs", async () => {
    const folder = devFolder({ url: edge.stack.url, token: edge.stack.token, pid: process.pid });
    const env = { CLAUDE_EDGE_TOKEN: "wrong" };
    const { code, failed, byId } = await doctor([], { cwd: folder, env });
    expect({ code, failed }).toEqual({ code: 1, failed: ["access"] });
    expect(byId.token).toMatchObject(found("ok", "CLAUDE_EDGE_TOKEN; other commands here use"));
    expect(byId.access).toMatchObject(found("fail", "unauthorized", "unset CLAUDE_EDGE_TOKEN"));
  });
});
describe("the machine", () => {
  /** A program in Docker's place. */
  const docker = (script: string) => {
    const folder = folderWith({});
    writeFileSync(join(folder, "docker"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { PATH: `${folder}:/usr/bin:/bin` };
  };
  const DOWN = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';

  test.each([
    ["missing", () => ({ PATH: join(empty, "none") }), "warn", "not installed", "install Docker"],
    ["down", () => docker(DOWN), "warn", "daemon does not answer", "start Docker"],
    [
      "up",
      () =>
        docker('[ "$1" = info ] && echo 28.1.0 || echo "github.com/docker/buildx v0.23.0 28c90ea"'),
      "ok",
      "Docker 28.1.0, buildx 0.23.0",
      undefined,
    ],
    [
      "without buildx",
      () => docker('[ "$1" = info ] && echo 28.1.0'),
      "warn",
      "without buildx",
      "docker-buildx-plugin",
    ],
  ] as const)("Docker %s", async (_how, env, status, message, fix) => {
    const { code, byId } = await doctor([], { env: env() });
    expect(byId.docker).toMatchObject(found(status, message, fix));
    expect(code).toBe(0);
  });
});

describe("the project", () => {
  const API = `sk-ant-api03-${"x".repeat(80)}`;
  const OAT = `sk-ant-oat01-${"x".repeat(80)}`;
  const project = useProject();

  test("a folder that is none", async () => {
    expect(await run(["doctor", join(empty, "none")])).toMatchObject({ code: 2, stdout: "" });
    expect(await doctor([empty])).toMatchObject({
      code: 1,
      failed: ["project"],
      byId: { packages: { status: "skip", message: expect.stringContaining('"project"') } },
    });
    expect(await doctor()).toMatchObject({ code: 0, byId: { project: { status: "skip" } } });
  });

  test.each([
    ["an API key", { ANTHROPIC_API_KEY: API }, {}, "ok", "ANTHROPIC_API_KEY", undefined],
    ["an OAuth token", { CLAUDE_CODE_OAUTH_TOKEN: OAT }, {}, "ok", "CLAUDE_CODE", undefined],
    ["one in the environment", {}, { ANTHROPIC_API_KEY: API }, "ok", "ANTHROPIC", undefined],
    [
      "none",
      {},
      {},
      "warn",
      "no model credential",
      "claude-edge secrets set ANTHROPIC_API_KEY --local",
    ],
    ["an empty one", { ANTHROPIC_API_KEY: "" }, {}, "warn", "no model credential", undefined],
    [
      "an OAuth token as API key",
      { ANTHROPIC_API_KEY: OAT },
      {},
      "fail",
      "ANTHROPIC_API_KEY holds an OAuth token",
      "set CLAUDE_CODE_OAUTH_TOKEN in .dev.vars",
    ],
    [
      "an API key as OAuth token",
      { CLAUDE_CODE_OAUTH_TOKEN: API },
      {},
      "fail",
      "CLAUDE_CODE_OAUTH_TOKEN holds an Anthropic API key",
      "set ANTHROPIC_API_KEY in .dev.vars",
    ],
    [
      "an API key as auth token",
      { ANTHROPIC_AUTH_TOKEN: API },
      {},
      "fail",
      "ANTHROPIC_AUTH_TOKEN holds an Anthropic API key",
      "set ANTHROPIC_API_KEY in .dev.vars",
    ],
    [
      "a gateway's, whatever it looks like",
      { ANTHROPIC_AUTH_TOKEN: "sk-1234", ANTHROPIC_BASE_URL: "https://gateway.example" },
      {},
      "ok",
      "ANTHROPIC_AUTH_TOKEN",
      undefined,
    ],
    [
      "a gateway's without the gateway",
      { ANTHROPIC_AUTH_TOKEN: "sk-1234" },
      {},
      "warn",
      "no ANTHROPIC_BASE_URL",
      "ANTHROPIC_BASE_URL",
    ],
    [
      "a key of claude-edge, by its form",
      { ANTHROPIC_API_KEY: "ce_root_abc" },
      {},
      "fail",
      "ANTHROPIC_API_KEY holds a key of claude-edge",
      "CLAUDE_EDGE_TOKEN",
    ],
    [
      "a key of claude-edge, by its being that",
      { ANTHROPIC_API_KEY: "chosen-by-us", ANTHROPIC_BASE_URL: "https://gateway.example" },
      { CLAUDE_EDGE_TOKEN: "chosen-by-us" },
      "fail",
      "ANTHROPIC_API_KEY holds a key of claude-edge",
      "CLAUDE_EDGE_TOKEN",
    ],
    [
      "an admin key",
      { ANTHROPIC_API_KEY: "sk-ant-admin01-x" },
      {},
      "fail",
      "admin key",
      "set ANTHROPIC_API_KEY",
    ],
    ["something else", { ANTHROPIC_API_KEY: "changeme" }, {}, "warn", "nothing that looks", ""],
  ] as const)("its model key: %s", async (_what, vars, env, status, message, fix) => {
    const lines = Object.entries(vars).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(project, ".dev.vars"), lines.join(""));
    const { code, byId, text } = await doctor([project], { env });
    expect(byId["model-key"]).toMatchObject(found(status, message, fix));
    expect(code).toBe(status === "fail" ? 1 : 0);
    expect(text).not.toContain("xxxx");
  });

  /** A project with packages of these versions. */
  function installed(worker: string | undefined, runner: string, sdk: string, wanted: string) {
    const manifest = (name: string, version: string, more: object = {}) =>
      JSON.stringify({ name, version, ...more });
    const runnerPath = "node_modules/@claude-edge/runner";
    const sdkPath = "node_modules/@anthropic-ai/claude-agent-sdk";
    const dependencies = { "@anthropic-ai/claude-agent-sdk": wanted };
    return folderWith({
      "wrangler.jsonc": "{}",
      "package.json": "{}",
      [`${runnerPath}/package.json`]: manifest("@claude-edge/runner", runner, { dependencies }),
      [`${sdkPath}/package.json`]: manifest("sdk", sdk, { exports: { ".": "./sdk.mjs" } }),
      [`${sdkPath}/sdk.mjs`]: "",
      ...(worker === undefined
        ? {}
        : {
            "node_modules/@claude-edge/worker/package.json": manifest("worker", worker),
          }),
    });
  }

  test.each([
    [
      undefined,
      "0.1.0",
      "1.0.0",
      "1.0.0",
      "fail",
      "not installed: @claude-edge/worker",
      "npm install",
    ],
    ["0.1.0", "0.0.9", "1.0.0", "1.0.0", "fail", "runner 0.0.9", "@claude-edge/runner@0.1.0"],
    ["0.0.9", "0.0.9", "1.0.0", "1.0.0", "warn", "this claude-edge is 0.1.0", "claude-edge@0.0.9"],
    ["0.1.0", "0.1.0", "0.9.0", "1.0.0", "warn", "Agent SDK is 0.9.0", "npm install"],
    ["0.1.0", "0.1.0", "1.0.0", "1.0.0", "ok", "Agent SDK 1.0.0", undefined],
  ] as const)("its packages: %s, %s, SDK %s for %s", async (...given) => {
    const [worker, runner, sdk, wanted, status, message, fix] = given;
    const { byId } = await doctor([installed(worker, runner, sdk, wanted)]);
    expect(byId.packages).toMatchObject(found(status, message, fix));
  });

  test("its packages: one that deploy would refuse too", async () => {
    const folder = installed("0.1.0", "0.1.0", "1.0.0", "1.0.0");
    const local = join(folder, "node_modules/@claude-edge/local");
    mkdirSync(local, { recursive: true });
    writeFileSync(join(local, "package.json"), '{"version": "0.0.9"}');
    const { byId } = await doctor([folder]);
    expect(byId.packages).toMatchObject(
      found("fail", "@claude-edge/local 0.0.9", "@claude-edge/local@0.1.0"),
    );
  });
});
