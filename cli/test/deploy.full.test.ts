import { existsSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { API_KEY } from "./support/cloudflare.js";
import { NONE, useDeployments } from "./support/deployments.js";
import { CTRL_C } from "./support/keys.js";
import { WORKER } from "./support/project.js";
import { openScreen } from "./support/terminal.js";

// Each runs the project's wrangler, for seconds.

const { edge, front, cloudflare, deploy, worker, uploads, deployed } =
  useDeployments("deploy-full");
const { api, makeProject } = cloudflare;

describe("claude-edge deploy", () => {
  test("again: sets nothing anew, asks a question and leaves no session behind", async () => {
    deployed();
    const before = cloudflare.home.read();
    const { code, stdout, stderr } = await deploy([...NONE, "--url", front.url, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      url: front.url,
      worker: WORKER,
      version_id: null,
      profile: null,
      answer: expect.any(String),
    });
    expect(stderr).toContain("ok: it says");
    expect(uploads().at(-1)!.metadata.bindings).toContainEqual({
      name: "CLAUDE_EDGE_ROOT_KEY",
      type: "inherit",
    });
    expect(cloudflare.home.read()).toEqual(before);
    expect(await (await edge.fetch("/v1/sessions", { account: "deploy-full" })).json()).toEqual({
      sessions: [],
    });
  });

  test("makes a root key, and the bucket, when there is none, and never takes another deployment's profile for it", async () => {
    const other = { url: "https://other.example", token: "other" };
    cloudflare.home.write({ current: "x", profiles: { [WORKER]: other, x: other } });
    const env = { CLAUDE_EDGE_ROOT_KEY: "" };
    const cwd = makeProject((config) => config.replace('// "r2_buckets"', '"r2_buckets"'));
    const args = [...NONE, "--url", edge.stack.url];
    const { code, stderr } = await deploy(args, { cwd, env });
    const key = worker().secrets.get("CLAUDE_EDGE_ROOT_KEY")!;
    expect(key).toMatch(/^ce_root_[\w-]{32}$/);
    expect(code).toBe(0);
    expect(`${stderr}${cloudflare.traces.all()}`).not.toContain(key);
    expect(cloudflare.home.read()).toEqual({
      current: "x",
      profiles: { [WORKER]: other, x: other, [`${WORKER}-2`]: { url: edge.stack.url, token: key } },
    });
    const binding = { name: "FILES", type: "r2_bucket", bucket_name: "my-agent-files" };
    expect(uploads().at(-1)!.metadata.bindings).toContainEqual(binding);
    expect(api.buckets).toEqual(new Set(["my-agent-files"]));
  });

  test("takes the URL from wrangler; Ctrl-C while it waits for it keeps the key", async () => {
    const controller = new AbortController();
    const result = await deploy([...NONE], {
      signal: controller.signal,
      onError: (stderr) => {
        if (stderr.includes("waiting: ")) controller.abort();
      },
    });
    expect(result).toMatchObject({ code: 130, stdout: "" });
    expect(cloudflare.home.read().profiles[WORKER]).toEqual({
      url: "https://my-agent.stand-in.workers.dev",
      token: edge.stack.token,
    });
  });

  test("Ctrl-C stops wrangler, and the file with the secrets is gone", async () => {
    let release = () => {};
    const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
    const controller = new AbortController();
    api.onRequest = (line) => {
      if (!line.startsWith("PUT")) return undefined;
      controller.abort();
      return held;
    };
    const args = [...NONE, "--url", edge.stack.url];
    expect(await deploy(args, { signal: controller.signal })).toMatchObject({
      code: 130,
      stdout: "",
    });
    release();
    expect(existsSync(cloudflare.home.path)).toBe(false);
    expect(cloudflare.traces.leftovers().filter((path) => path.includes("secrets"))).toEqual([]);
  });

  test("what wrangler says goes to standard error, and its failure is one", async () => {
    api.onRequest = (line) => (line.startsWith("PUT") ? 400 : undefined);
    const { code, stdout, stderr } = await deploy([...NONE, "--url", edge.stack.url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("The test says so.");
    expect(stderr).not.toContain("saved nowhere");
    expect(existsSync(cloudflare.home.path)).toBe(false);
    // It fails when the Worker, and the key with it, is up already.
    api.onRequest = (line) => (line.startsWith("POST") ? 400 : undefined);
    const later = await deploy([...NONE, "--url", edge.stack.url]);
    expect(later).toMatchObject({ code: 1, stdout: "" });
    expect(later.stderr).toContain("saved nowhere");
    // wrangler asks again and again before it gives up: 15 s each.
  }, 180_000);

  test("a root key that cannot be saved is not lost in silence", async () => {
    const folder = makeProject((config) => config.replace("{", '{ "workers_dev": false,'));
    const { code, stdout, stderr } = await deploy(NONE, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("pass --url");
    expect(stderr).toContain("saved nowhere");
    expect(stderr).not.toContain(edge.stack.token);
  });

  test("--dry-run builds and uploads nothing, without an account, or a Docker for an image of a registry", async () => {
    const env = {
      CLOUDFLARE_API_TOKEN: "",
      ANTHROPIC_API_KEY: "",
      WRANGLER_DOCKER_BIN: "/nowhere/docker",
    };
    const image = "registry.cloudflare.com/0123456789abcdef0123456789abcdef/agent:1";
    const cwd = makeProject((config) => config.replace('"./Dockerfile"', `"${image}"`));
    const { code, stdout, stderr } = await deploy(["--dry-run"], { cwd, env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("--dry-run: exiting now.");
    expect(api.requests).toEqual([]);
    expect(existsSync(cloudflare.home.path)).toBe(false);
  });
});

describe("what wrangler is asked before", () => {
  const nothing = () => {
    expect(uploads()).toEqual([]);
    expect(existsSync(cloudflare.home.path)).toBe(false);
  };

  test.each<[string, string[], Record<string, string>, number, string]>([
    ["no login", NONE, { CLOUDFLARE_API_TOKEN: "" }, 4, "wrangler login"],
    ["no model credential", NONE, { ANTHROPIC_API_KEY: "" }, 4, "claude-edge secrets set"],
    [
      "another kind of credential",
      NONE,
      { ANTHROPIC_API_KEY: "sk-ant-oat01-x" },
      2,
      "CLAUDE_CODE_OAUTH_TOKEN",
    ],
  ])("%s", async (_what, args, env, code, message) => {
    const result = await deploy(args, { env });
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
    nothing();
  });

  test("a config that asks for another kind of credential than the one that is set", async () => {
    api.workers.set(WORKER, { secrets: new Map([["CLAUDE_CODE_OAUTH_TOKEN", "t"]]), uploads: [] });
    const { code, stdout, stderr } = await deploy(NONE);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toContain("secrets.required");
    nothing();
  });

  test("an environment of the config has secrets of its own", async () => {
    const staging =
      '"env": { "staging": { "name": "staging-agent", "secrets": { "required": [] } } },';
    const folder = makeProject((config) => config.replace("{", `{ ${staging}`));
    api.workers.set("staging-agent", { secrets: new Map(), uploads: [] });
    const env = { CLOUDFLARE_ENV: "staging", ANTHROPIC_API_KEY: "" };
    const { code, stderr } = await deploy(NONE, { cwd: folder, env });
    expect(api.requests.some((line) => line.endsWith("/scripts/staging-agent/secrets"))).toBe(true);
    expect(code).toBe(4);
    expect(stderr).toContain("None of ANTHROPIC_API_KEY");
    nothing();
  });
});

describe("claude-edge deploy in a terminal", () => {
  const terminal = (args: string[]) => {
    const env = { ...cloudflare.env(), CLAUDE_EDGE_ROOT_KEY: edge.stack.token };
    return openScreen(["deploy", ...NONE, ...args], { env, cwd: cloudflare.project });
  };

  test("asks for the model's credential, hidden", async () => {
    const { shows, type, ended, raw } = terminal(["--url", edge.stack.url]);
    await shows("ok: wrangler is logged in");
    await shows("ANTHROPIC_API_KEY");
    type(API_KEY);
    type("\r");
    await shows("is saved in profile");
    expect(await ended).toBe(0);
    expect(raw()).not.toContain(API_KEY);
    expect(worker().secrets.get("ANTHROPIC_API_KEY")).toBe(API_KEY);
  });

  test("Ctrl-C at it deploys nothing", async () => {
    const { shows, type, ended } = terminal([]);
    await shows("ok: wrangler is logged in");
    await shows("ANTHROPIC_API_KEY");
    type(CTRL_C);
    expect(await ended).toBe(130);
    expect(uploads()).toEqual([]);
  });
});
