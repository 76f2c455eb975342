import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "@claude-edge/protocol";
import { beforeEach, describe, expect, test } from "vitest";

import { useStack } from "../../tests/support/stack.js";
import { API_KEY, useCloudflare } from "./support/cloudflare.js";
import { useFront } from "./support/front.js";
import { CTRL_C } from "./support/keys.js";
import { WORKER } from "./support/project.js";
import type { RunOptions } from "./support/run.js";
import { hasTerminal, openTerminal } from "./support/terminal.js";

/** Of a deployment's answer. */
const JSON_HEADERS = {
  "content-type": "application/json",
  [PROTOCOL_HEADER]: String(PROTOCOL_VERSION),
};

const edge = useStack();
const front = useFront(() => edge.stack.url);
const cloudflare = useCloudflare();
const { api, empty, cli, makeProject } = cloudflare;

beforeEach(() => {
  front.onRequest = () => false;
});

/** Without a Docker that a test could start. */
const NONE = ["--containers-rollout", "none"];
const SECRETS = () => ({ ANTHROPIC_API_KEY: API_KEY, CLAUDE_EDGE_ROOT_KEY: edge.stack.token });
const deploy = (args: string[], { env, ...options }: RunOptions = {}) =>
  cli(["deploy", ...args], { ...options, env: { ...SECRETS(), ...env } });
const worker = () => api.workers.get(WORKER)!;
const uploads = () => [...api.workers.values()].flatMap((one) => one.uploads);
/** A Worker as a deployment leaves it, without wrangler's time for it. */
const deployed = () =>
  api.workers.set(WORKER, {
    secrets: new Map([
      ["CLAUDE_EDGE_ROOT_KEY", edge.stack.token],
      ["ANTHROPIC_API_KEY", API_KEY],
    ]),
    uploads: [
      {
        metadata: {
          main_module: "worker.js",
          bindings: [],
          compatibility_date: "2026-10-01",
          containers: [{ name: "my-agent-containerdo", class_name: "ContainerDO" }],
          migrations: { new_tag: "v1" },
        },
        parts: [],
      },
    ],
  });
const knows = () =>
  cloudflare.home.write({ profiles: { mine: { url: front.url, token: edge.stack.token } } });

describe("claude-edge deploy", () => {
  test("first: uploads Worker and secrets, saves the root key, prints the URL, shows no secret", async () => {
    const { code, stdout, stderr } = await deploy([...NONE, "--url", `${edge.stack.url}/`]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${edge.stack.url}\n` });
    expect(stderr).toContain("Uploaded my-agent");
    expect(stderr).toContain("asked nothing");

    expect(uploads()).toHaveLength(1);
    const [{ metadata, parts }] = uploads() as [ReturnType<typeof uploads>[number]];
    expect(parts).toContain(metadata.main_module);
    const classes = metadata.bindings.map(({ class_name }) => class_name);
    expect(classes).toEqual(expect.arrayContaining(["AccountDO", "ContainerDO"]));
    expect(Object.fromEntries(worker().secrets)).toEqual({
      CLAUDE_EDGE_ROOT_KEY: edge.stack.token,
      ANTHROPIC_API_KEY: API_KEY,
    });
    const saved = { url: edge.stack.url, token: edge.stack.token };
    expect(cloudflare.home.read()).toEqual({ current: WORKER, profiles: { [WORKER]: saved } });
    expect(cloudflare.home.modes()).toEqual([0o600, 0o700]);
    const asking = { cwd: empty, env: { CLAUDE_EDGE_ACCOUNT: "first" } };
    expect(await cli(["query", "%say Hi."], asking)).toMatchObject({ stdout: "Hi.\n" });

    expect(cloudflare.traces.args().some((line) => line.includes("--secrets-file"))).toBe(true);
    const kept = cloudflare.traces.leftovers().map((path) => readFileSync(path, "latin1"));
    for (const secret of [API_KEY, edge.stack.token, api.token]) {
      expect(stderr).not.toContain(secret);
      expect(cloudflare.traces.all()).not.toContain(secret);
      expect(kept.join("\n")).not.toContain(secret);
    }
  });

  test("with the bucket of its files, which is made when it is not there", async () => {
    const folder = makeProject((config) => config.replace('// "r2_buckets"', '"r2_buckets"'));
    const args = [...NONE, "--url", edge.stack.url, "--no-query"];
    expect(await deploy(args, { cwd: folder })).toMatchObject({ code: 0 });
    const binding = { name: "FILES", type: "r2_bucket", bucket_name: "my-agent-files" };
    expect(uploads().at(-1)!.metadata.bindings).toContainEqual(binding);
    expect(api.buckets).toEqual(new Set(["my-agent-files"]));
  });

  test("again: sets nothing anew, asks a question and leaves no session behind", async () => {
    deployed();
    knows();
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
    expect(await (await edge.fetch("/v1/sessions")).json()).toEqual({ sessions: [] });
  });

  test("makes a root key when there is none, and never takes another deployment's profile for it", async () => {
    const other = { url: "https://other.example", token: "other" };
    cloudflare.home.write({ current: "x", profiles: { [WORKER]: other, x: other } });
    const env = { CLAUDE_EDGE_ROOT_KEY: "" };
    const { code, stderr } = await deploy([...NONE, "--url", edge.stack.url], { env });
    const key = worker().secrets.get("CLAUDE_EDGE_ROOT_KEY")!;
    expect(key).toMatch(/^ce_root_[\w-]{32}$/);
    expect(code).toBe(0);
    expect(`${stderr}${cloudflare.traces.all()}`).not.toContain(key);
    expect(cloudflare.home.read()).toEqual({
      current: "x",
      profiles: { [WORKER]: other, x: other, [`${WORKER}-2`]: { url: edge.stack.url, token: key } },
    });
  });

  test("waits for a deployment that is still being set up, and says so", async () => {
    deployed();
    knows();
    const seen = { health: 0, query: 0 };
    front.onRequest = (line, response) => {
      if (line === "GET /health" && (seen.health += 1) <= 1) {
        response
          .writeHead(404, { "content-type": "text/html" })
          .end("<h1>There is nothing here yet");
        return true;
      }
      if (line === "POST /v1/query" && (seen.query += 1) <= 1) {
        const error = {
          code: "container_unavailable",
          message: "No instance yet.",
          retryable: true,
        };
        response.writeHead(503, JSON_HEADERS);
        response.end(JSON.stringify({ type: "error", error, request_id: "r" }));
        return true;
      }
      return false;
    };
    const { code, stdout, stderr } = await deploy([...NONE, "--url", front.url]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${front.url}\n` });
    expect(stderr).toContain("does not answer yet");
    expect(stderr).toContain("No instance yet.");
    expect(seen).toEqual({ health: 2, query: 2 });
  });

  test("an old version that still answers is not taken for the new one", async () => {
    deployed();
    knows();
    let asked = 0;
    front.onRequest = (line, response) => {
      if (line !== "GET /health" || (asked += 1) > 1) return false;
      response.writeHead(200, JSON_HEADERS);
      response.end(JSON.stringify({ status: "ok", version: "0.0.9", protocol: PROTOCOL_VERSION }));
      return true;
    };
    const { code, stderr } = await deploy([...NONE, "--url", front.url, "--no-query"]);
    expect(code).toBe(0);
    expect(stderr).toContain("0.0.9");
    expect(asked).toBe(2);
  });

  test("a deployment that answers wrongly is an error at once, with its own exit code", async () => {
    deployed();
    knows();
    front.onRequest = (line, response) => {
      if (line !== "POST /v1/query") return false;
      const error = { code: "model_auth_failed", message: "No such key.", retryable: false };
      response.writeHead(502, JSON_HEADERS);
      response.end(JSON.stringify({ type: "error", error, request_id: "r" }));
      return true;
    };
    const { code, stdout, stderr } = await deploy([...NONE, "--url", front.url]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toContain("No such key.");
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
  }, 90_000);

  test("a root key that cannot be saved is not lost in silence", async () => {
    const folder = makeProject((config) => config.replace("{", '{ "workers_dev": false,'));
    const { code, stdout, stderr } = await deploy(NONE, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("pass --url");
    expect(stderr).toContain("saved nowhere");
    expect(stderr).not.toContain(edge.stack.token);
  });

  test("--dry-run builds and uploads nothing, without an account", async () => {
    const env = { CLOUDFLARE_API_TOKEN: "", ANTHROPIC_API_KEY: "" };
    const { code, stdout, stderr } = await deploy(["--dry-run", ...NONE], { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("--dry-run: exiting now.");
    expect(api.requests).toEqual([]);
    expect(existsSync(cloudflare.home.path)).toBe(false);
  });
});

describe("what is checked before", () => {
  const nothing = () => {
    expect(uploads()).toEqual([]);
    expect(existsSync(cloudflare.home.path)).toBe(false);
  };

  test.each([
    ["no Docker", [], { WRANGLER_DOCKER_BIN: "/nowhere/docker" }, 1, "--containers-rollout none"],
    ["no login", NONE, { CLOUDFLARE_API_TOKEN: "" }, 4, "wrangler login"],
    ["no model credential", NONE, { ANTHROPIC_API_KEY: "" }, 4, "claude-edge secrets set"],
    [
      "another kind of credential",
      NONE,
      { ANTHROPIC_API_KEY: "sk-ant-oat01-x" },
      2,
      "CLAUDE_CODE_OAUTH_TOKEN",
    ],
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

  test("a Docker without its daemon, and no need of one for an image of a registry", async () => {
    const docker = join(cloudflare.home.env.HOME, "docker");
    writeFileSync(docker, "#!/bin/sh\nexit 1\n");
    chmodSync(docker, 0o755);
    const env = { WRANGLER_DOCKER_BIN: docker };
    const down = await deploy(["--dry-run"], { env });
    expect(down).toMatchObject({ code: 1, stdout: "" });
    expect(down.stderr).toContain("daemon does not run");
    const image = "registry.cloudflare.com/0123456789abcdef0123456789abcdef/agent:1";
    const folder = makeProject((config) => config.replace('"./Dockerfile"', `"${image}"`));
    expect((await deploy(["--dry-run"], { env, cwd: folder })).stderr).not.toContain("daemon");
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

describe.runIf(hasTerminal)("claude-edge deploy in a terminal", () => {
  const terminal = (args: string[]) => {
    const env = { ...cloudflare.env(), CLAUDE_EDGE_ROOT_KEY: edge.stack.token };
    return openTerminal(["deploy", ...NONE, ...args], { env, cwd: cloudflare.project });
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
