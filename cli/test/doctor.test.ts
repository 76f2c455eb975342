import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startLocal, type LocalOptions, type LocalStack } from "@claude-edge/local";
import { wireError } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { useProject } from "../../tests/support/project.js";
import { useStack } from "../../tests/support/stack.js";
import { until } from "../../tests/support/wait.js";
import { passOn, useLoopback, type Meddling } from "./support/loopback.js";
import { useCli, type RunOptions } from "./support/run.js";

const edge = useStack();
const { empty, run } = useCli();
const { listen, serve } = useLoopback();

interface Check {
  id: string;
  status: "ok" | "warn" | "fail" | "skip";
  message: string;
  fix?: string;
}

/** Runs `doctor --json`; its checks by their ids. */
async function doctor(args: string[] = [], options: RunOptions = {}) {
  const { code, stdout, stderr } = await run(["doctor", "--json", ...args], options);
  expect(stderr).toBe("");
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  const failed = checks.filter(({ status }) => status === "fail").map(({ id }) => id);
  const byId = Object.fromEntries(checks.map((check) => [check.id, check]));
  return { code, ids: checks.map(({ id }) => id), failed, byId, text: stdout };
}

const key = () => ({ CLAUDE_EDGE_TOKEN: edge.stack.token });
/** Runs it for a deployment, from a folder without a project. */
const look = (url: string, args: string[] = [], env: Record<string, string> = {}) =>
  doctor([...args, "--url", url], { env: { ...key(), ...env } });
/** Runs it with a proxy before the real deployment. */
const through = async (meddling: Meddling, match = /./) =>
  look(
    await serve((request, response) =>
      passOn(request, response, edge.stack.url, match.test(request.url!) ? meddling : {}),
    ),
  );

/** A finding of the kind, whose message and fix hold these. */
const found = (status: Check["status"], message: string, fix?: string) => ({
  status,
  message: expect.stringContaining(message),
  ...(fix === undefined ? {} : { fix: expect.stringContaining(fix) }),
});

async function withStack(
  options: LocalOptions,
  work: (stack: LocalStack, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const stack = await startLocal(options);
  try {
    await work(stack, { CLAUDE_EDGE_URL: stack.url, CLAUDE_EDGE_TOKEN: stack.token });
  } finally {
    await stack.stop();
  }
}

describe("claude-edge doctor, where all is well", () => {
  const project = useProject();

  test("finds nothing, and ends with 0", async () => {
    const env = { ...key(), CLAUDE_EDGE_URL: edge.stack.url, CLAUDE_EDGE_ACCOUNT: "well" };
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
      "model",
      "container",
      "runner",
      "stream",
    ]);
    for (const id of ["packages", "reach", "version", "token", "model", "container", "runner"]) {
      expect(byId[id]).toMatchObject({ id, status: "ok" });
    }
    expect(byId.runner).toMatchObject(found("ok", "runner 0.1.0, Agent SDK 0.3."));
    expect(byId.stream).toMatchObject(found("ok", "3 events that were sent over"));
    expect(byId["model-key"]).toMatchObject(found("warn", "scripted model", ".dev.vars"));
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
    expect(edge.stack.containers().map(({ name }) => name)).not.toContain("default");
  });

  test("finds the `dev` of the folder it is given, with its key", async () => {
    const folder = useDevFile({ url: edge.stack.url, token: edge.stack.token, pid: process.pid });
    const { byId } = await doctor([folder]);
    expect(byId.target).toMatchObject(found("ok", "`claude-edge dev` that runs here"));
    expect(byId.token).toMatchObject(found("ok", "takes the key"));
  });
});

let files = 0;
/** A folder of that content below the empty one. */
function folderWith(content: Record<string, string>): string {
  const folder = join(empty, `folder-${(files += 1)}`);
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const useDevFile = (file: object) =>
  folderWith({ ".wrangler/claude-edge/dev.json": JSON.stringify(file) });

describe("the machine", () => {
  test("an old Node is named before anything is checked", async () => {
    const old = folderWith({
      "old.cjs": `Object.defineProperty(process.versions, "node", { value: "20.20.2" });`,
    });
    const env = { NODE_OPTIONS: `--require ${join(old, "old.cjs")}` };
    const { code, stdout, stderr } = await run(["doctor"], { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/needs Node\.js 22\.19 or newer; this is 20\.20\.2\n {2}fix: /);
  });

  /** A program in Docker's place. */
  const docker = (script: string) => {
    const folder = folderWith({});
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "docker"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { PATH: `${folder}:/usr/bin:/bin` };
  };
  const DOWN = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';

  test.each([
    ["missing", () => ({ PATH: join(empty, "none") }), "warn", "not installed", "install Docker"],
    ["down", () => docker(DOWN), "warn", "daemon does not answer", "start Docker"],
    ["hanging", () => docker("exec sleep 60"), "warn", "daemon does not answer", "start Docker"],
    ["up", () => docker("echo 28.1.0"), "ok", "Docker 28.1.0", undefined],
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
    ["none", {}, {}, "warn", "no model key", "ANTHROPIC_API_KEY=… into the project's .dev.vars"],
    ["an empty one", { ANTHROPIC_API_KEY: "" }, {}, "warn", "no model key", undefined],
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
});

describe("the way to a deployment", () => {
  test("none is named: nothing fails, and all that needs one is skipped", async () => {
    const { code, byId } = await doctor();
    expect(code).toBe(0);
    expect(byId.target).toMatchObject(found("skip", "no deployment", "CLAUDE_EDGE_URL"));
    expect(byId.reach).toMatchObject(found("skip", 'needs "target"'));
    expect(byId.stream).toMatchObject(found("skip", 'needs "token"'));
  });

  test("a dev file whose process is gone, or whose process is another's now", async () => {
    const dead = await doctor([], {
      cwd: useDevFile({ url: "http://localhost:8787", token: "t", pid: 0 }),
    });
    expect(dead.byId.target).toMatchObject(found("warn", "left behind", "start `claude-edge dev`"));
    const url = `http://localhost:${await closedPort()}`;
    const reused = await doctor([], { cwd: useDevFile({ url, token: "t", pid: process.pid }) });
    expect(reused.code).toBe(1);
    expect(reused.byId.reach).toMatchObject(found("fail", "Nothing listens", "dev` again"));
  });

  async function closedPort(): Promise<number> {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  test.each([
    ["not a URL", () => "my-agent", "target", "not the URL", "https://"],
    ["another scheme", () => "ftp://example.com", "target", "not the URL", "https://"],
    [
      "a name there is not",
      () => "https://none.invalid",
      "reach",
      "DNS: the name none",
      "spelling",
    ],
    [
      "a closed port",
      async () => `http://127.0.0.1:${await closedPort()}`,
      "reach",
      "Nothing listens",
      "port",
    ],
    [
      "TLS where there is none",
      () => edge.stack.url.replace("http:", "https:"),
      "reach",
      "TLS: no secure",
      "http://",
    ],
    [
      "a certificate nobody signed",
      selfSigned,
      "reach",
      "TLS: the certificate",
      "NODE_EXTRA_CA_CERTS",
    ],
    ["a server that hangs up", hangsUp, "reach", "could not be reached", "check the URL"],
  ] as const)("%s", async (_what, url, id, message, fix) => {
    const { code, failed, byId } = await look(await url());
    expect({ code, failed }).toEqual({ code: 1, failed: [id] });
    expect(byId[id]).toMatchObject(found("fail", message, fix));
  });

  async function selfSigned(): Promise<string> {
    const folder = folderWith({ "x.txt": "" });
    const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const made = ["-keyout", keyFile, "-out", certFile, "-days", "1", "-nodes"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", ...made, ...subject], {
      stdio: "ignore",
    });
    const options = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
    return `https://127.0.0.1:${await listen(createTlsServer(options))}`;
  }

  async function hangsUp(): Promise<string> {
    return `http://127.0.0.1:${await listen(createServer((socket) => socket.destroy()))}`;
  }

  test("a server that never answers costs a limited time", async () => {
    const url = await serve(() => {});
    const { byId } = await look(url);
    expect(byId.reach).toMatchObject({ status: "fail" });
    expect(JSON.stringify(byId.reach)).toMatch(/10 s|in time/);
  });

  const html = { "content-type": "text/html" };
  const access = "https://team.cloudflareaccess.com/cdn-cgi/access/login/my-agent";
  test.each([
    ["a login page", 200, html, "login or web page", "Cloudflare Access"],
    ["a forbidden page", 403, html, "login or web page", "Cloudflare Access"],
    ["Cloudflare Access", 302, { location: access }, "Cloudflare Access", "bypass"],
    ["another redirection", 301, { location: "/en" }, "login or web page", "URL"],
    ["a Worker that is not there", 404, html, "no claude-edge deployment: 404", "wrangler deploy"],
    ["some other API", 200, { "content-type": "application/json" }, "no claude-edge", "URL"],
    ["a gateway without its Worker", 502, html, "answers 502", "wrangler tail"],
  ] as const)("%s answers, and is not sent the key", async (_what, status, headers, ...texts) => {
    const keys: unknown[] = [];
    const url = await serve((request, response) => {
      keys.push(request.headers.authorization);
      response.writeHead(status, headers).end("{}");
    });
    const { code, failed, byId } = await look(url);
    expect({ code, failed }).toEqual({ code: 1, failed: ["reach"] });
    expect(byId.reach).toMatchObject(found("fail", ...texts));
    expect(keys).toEqual([undefined]);
  });

  test.each([
    ["behind", 300, "warn", "300 s behind"],
    ["ahead", -300, "warn", "300 s ahead of"],
    ["a little off", 40, "ok", "agrees"],
  ] as const)("this machine's clock is %s", async (_how, seconds, status, message) => {
    const date = () => new Date(Date.now() + seconds * 1000).toUTCString();
    const { code, byId } = await through({ headers: (all) => ({ ...all, date: date() }) });
    // A date has whole seconds.
    const shown = { ...byId.clock, message: byId.clock!.message.replace(/\b(299|301)\b/, "300") };
    expect(shown).toMatchObject(found(status, message));
    expect(code).toBe(0);
  });

  test.each([
    ["version", "9.9.9", "warn", "the deployment is 9.9.9, this claude-edge 0.1.0", 0],
    ["protocol", 2, "fail", "speaks protocol 2, this claude-edge (0.1.0) 1", 1],
  ] as const)("a deployment of another %s", async (field, value, status, message, code) => {
    const body = (text: string) => JSON.stringify({ ...JSON.parse(text), [field]: value });
    const result = await through({ body }, /^\/health/);
    expect(result.code).toBe(code);
    expect(result.byId.version).toMatchObject(found(status, message, "wrangler deploy"));
    // It is looked at all the same.
    expect(result.byId.token).toMatchObject({ status: "ok" });
  });

  test("one that is too old to tell its status takes the key", async () => {
    const { code, byId } = await through({ path: (path) => path.replace("/v1/status", "/v1/old") });
    expect(code).toBe(0);
    expect(byId.token).toMatchObject(found("warn", "too old", "deploy version 0.1.0"));
    expect(byId.container).toMatchObject(found("skip", 'needs "token"'));
  });

  test("text of a deployment's cannot steer the terminal", async () => {
    const body = (text: string) =>
      JSON.stringify({ ...JSON.parse(text), version: "1\u001b[2J\n2" });
    const url = await serve((request, response) =>
      passOn(request, response, edge.stack.url, request.url === "/health" ? { body } : {}),
    );
    const { stdout } = await run(["doctor", "--url", url], { env: key() });
    expect(stdout).toContain("1\\u{1b}[2J 2");
    expect(stdout).not.toContain("\u001b");
  });
});

describe("the key", () => {
  test.each([
    ["a wrong one", "nope", "not this deployment's", "CLAUDE_EDGE_TOKEN"],
    ["none", "", "no key is given", "CLAUDE_EDGE_TOKEN"],
    ["one with a line break in it", "a\nb", "blanks or line breaks", "CLAUDE_EDGE_TOKEN"],
  ])("%s", async (_what, CLAUDE_EDGE_TOKEN, message, fix) => {
    const { code, failed, byId } = await look(edge.stack.url, [], { CLAUDE_EDGE_TOKEN });
    expect({ code, failed }).toEqual({ code: 1, failed: ["token"] });
    expect(byId.token).toMatchObject(found("fail", message, fix));
  });

  test("a key of the model's is not sent to a deployment", async () => {
    const keys: unknown[] = [];
    const url = await serve((request, response) => {
      keys.push(request.headers.authorization);
      passOn(request, response, edge.stack.url);
    });
    for (const CLAUDE_EDGE_TOKEN of ["sk-ant-api03-x", "sk-ant-oat01-x"]) {
      const { failed, byId } = await look(url, [], { CLAUDE_EDGE_TOKEN });
      expect(failed).toEqual(["token"]);
      expect(byId.token).toMatchObject(found("fail", "not sent", "CLAUDE_EDGE_ROOT_KEY"));
    }
    expect(new Set(keys)).toEqual(new Set([undefined]));
  });

  test("a deployment without one serves nothing", async () => {
    const project = useProject({ ".dev.vars": "CLAUDE_EDGE_ROOT_KEY=\n" });
    await withStack({ project, model: "scripted" }, async ({ url }) => {
      const { failed, byId } = await look(url);
      expect(failed).toEqual(["token"]);
      expect(byId.token).toMatchObject(
        found("fail", "not_configured", "wrangler secret put CLAUDE_EDGE_ROOT_KEY"),
      );
    });
  });
});

describe("the deployment's model credential", () => {
  const worker = `
import { app } from "./app.ts";
export { AccountDO, ContainerDO, Gateway } from "@claude-edge/worker";
export default app;
`;
  const app = `
import claudeEdge from "@claude-edge/worker";
export const app = {
  fetch: (request, env, ctx) => claudeEdge.fetch(request, { ...env, ANTHROPIC_API_KEY: "" }, ctx),
};
`;

  test("there is none", async () => {
    const project = useProject({ "src/worker.ts": worker, "src/app.ts": app });
    await withStack({ project, model: "scripted" }, async (_stack, env) => {
      const { failed, byId } = await doctor([], { env });
      expect(failed).toEqual(["model"]);
      expect(byId.model).toMatchObject(found("fail", "model_not_configured", "ANTHROPIC_API_KEY"));
    });
  });

  test("it is of the wrong kind", async () => {
    const project = useProject({ ".dev.vars": "ANTHROPIC_API_KEY=sk-ant-oat01-x\n" });
    await withStack({ project }, async (_stack, env) => {
      const { failed, byId } = await doctor([], { env });
      expect(failed).toEqual(["model"]);
      expect(byId.model).toMatchObject(
        found("fail", "OAuth token", "npx wrangler secret put CLAUDE_CODE_OAUTH_TOKEN"),
      );
    });
  });
});

describe("the container", () => {
  test("sleeps: it is started only when that is asked for", async () => {
    const env = { CLAUDE_EDGE_ACCOUNT: "sleeper" };
    const asleep = await look(edge.stack.url, [], env);
    expect(asleep.byId.container).toMatchObject(found("skip", "it sleeps", "--start"));
    expect(asleep.byId.runner).toMatchObject(found("skip", 'needs "container"'));
    const awake = await look(edge.stack.url, ["--start"], env);
    expect(awake.byId.container).toMatchObject({ status: "ok" });
    const after = await look(edge.stack.url, [], env);
    expect(after.byId.runner).toMatchObject(found("ok", "runner 0.1.0"));
  });

  test("runs, and does not answer", async () => {
    const env = { CLAUDE_EDGE_ACCOUNT: "silent" };
    await look(edge.stack.url, ["--start"], env);
    const { pid } = edge.stack.containers().at(-1)!;
    process.kill(pid, "SIGSTOP");
    const { failed, byId } = await look(edge.stack.url, [], env);
    process.kill(pid, "SIGCONT");
    expect(failed).toEqual(["container"]);
    expect(byId.container).toMatchObject(found("fail", "not_listening", "container's logs"));
  });

  test.each([
    [
      "never listens",
      "setInterval(() => {}, 1000);\nawait new Promise(() => {});",
      "not_listening",
      "logs",
    ],
    ["ends at its start", "process.exit(3);", "exited", "logs"],
    ["cannot load its agent", "export default {", "agent_start_failed", "agent.config.ts"],
  ])("%s", async (_what, config, reason, fix) => {
    const project = useProject({ "agent.config.ts": config });
    const vars = { CLAUDE_EDGE_START_TIMEOUT: "3s" };
    await withStack({ project, vars, model: "scripted" }, async (_stack, env) => {
      const { failed, byId } = await doctor(["--start"], { env });
      expect(failed).toEqual(["container"]);
      expect(byId.container).toMatchObject(found("fail", reason, fix));
    });
  });

  // The platform's own refusals cannot be had here: the answer that they lead to stands for them.
  test.each([
    ["provisioning", "wait"],
    ["no_instance", "max_instances"],
    ["rate_limited", "wait a minute"],
  ])("cannot be had: %s", async (reason, fix) => {
    const message = "It could not be started.";
    const error = wireError("container_unavailable", message, { reason });
    const url = await serve((request, response) => {
      if (!request.url!.includes("start=true")) return passOn(request, response, edge.stack.url);
      response.writeHead(503, { "content-type": "application/json" });
      response.end(JSON.stringify({ type: "error", error, request_id: "req_1" }));
    });
    const env = { CLAUDE_EDGE_ACCOUNT: "nobody" };
    const { failed, byId } = await look(url, ["--start"], env);
    expect(failed).toEqual(["container"]);
    expect(byId.container).toMatchObject(found("fail", `container_unavailable, ${reason}`, fix));
  });

  test("runs an older image than the Worker's", async () => {
    const project = useProject();
    const copy = join(project, "node_modules", "@claude-edge", "runner");
    const runner = fileURLToPath(new URL("../../packages/runner", import.meta.url));
    for (const name of ["dist", "package.json"]) {
      cpSync(join(runner, name), join(copy, name), { recursive: true });
    }
    for (const name of readdirSync(join(copy, "dist")).filter((file) => file.endsWith(".js"))) {
      const path = join(copy, "dist", name);
      writeFileSync(path, readFileSync(path, "utf8").replaceAll('"0.1.0"', '"0.0.9"'));
    }
    await withStack({ project, model: "scripted" }, async (_stack, env) => {
      const { failed, byId } = await doctor(["--start"], { env });
      expect(failed).toEqual(["runner"]);
      expect(byId.runner).toMatchObject(
        found("fail", "its runner is 0.0.9, the Worker 0.1.0", "rollout"),
      );
    });
  });
});

describe("streams", () => {
  const STREAM = /status\/stream/;

  test("come as they are sent through a proxy that passes them on", async () => {
    expect((await through({})).byId.stream).toMatchObject({ status: "ok" });
  });

  test("are held back by one that collects", async () => {
    const { code, failed, byId } = await through({ body: (text) => text }, STREAM);
    expect({ code, failed }).toEqual({ code: 1, failed: ["stream"] });
    expect(byId.stream).toMatchObject(found("fail", "held back: 3 events", "text/event-stream"));
  });

  test("are cut by one that ends them early", async () => {
    const { failed, byId } = await through({ cut: true }, STREAM);
    expect(failed).toEqual(["stream"]);
    expect(byId.stream).toMatchObject(found("fail", "ended after 1 of 3 events", "cuts streams"));
  });

  test("are something else altogether", async () => {
    const { byId } = await through({ path: () => "/health" }, STREAM);
    expect(byId.stream).toMatchObject(found("fail", "answered with 200 application/json"));
  });
});

test("Ctrl-C ends it at once", async () => {
  let asked = false;
  const url = await serve(() => {
    asked = true;
  });
  const { code } = await run(["doctor", "--url", url], {
    env: key(),
    onOutput: (child, stdout) => {
      if (!stdout.includes("✓ target")) return;
      void until("it asks", () => asked).then(() => child.kill("SIGINT"));
    },
  });
  expect(code).toBe(130);
});
