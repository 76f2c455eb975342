import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { dirname, join } from "node:path";

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { useStack } from "../../tests/support/stack.js";
import { until } from "../../tests/support/wait.js";
import { makeHome, type Home } from "./support/home.js";
import { CTRL_C, ENTER } from "./support/keys.js";
import { useCli, type RunOptions } from "./support/run.js";
import { hasTerminal, openScreen, openTerminal } from "./support/terminal.js";

const edge = useStack();
const { empty, run } = useCli();

let home: Home;
beforeEach(() => {
  home = makeHome(empty);
});
const cli = (args: string[], options: RunOptions = {}) =>
  run(args, { ...options, env: { ...home.env, ...options.env } });
const login = (args: string[] = [], input = edge.stack.token) =>
  cli(["login", edge.stack.url, "--with-token", ...args], { input });

/** A server that is no deployment, and what it was sent. */
let trap: Server;
let trapUrl: string;
let seen: (string | undefined)[] = [];
beforeAll(async () => {
  trap = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(404).end("{}");
  }).listen(0, "127.0.0.1");
  const port = await until("a port", () => (trap.address() as { port: number } | null)?.port);
  trapUrl = `http://127.0.0.1:${port}`;
});
beforeEach(() => {
  seen = [];
});
afterAll(() => {
  trap.close();
});

describe("claude-edge login", () => {
  test("saves a deployment whose key works, for its owner's eyes, and commands find it", async () => {
    const { code, stdout, stderr } = await login([], `  ${edge.stack.token}\n`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain(home.path);
    expect(stderr).not.toContain(edge.stack.token);
    const saved = { url: edge.stack.url, token: edge.stack.token };
    expect(home.read()).toEqual({ current: "default", profiles: { default: saved } });
    expect(home.modes()).toEqual([0o600, 0o700]);
    expect(readdirSync(dirname(home.path))).toEqual(["config.json"]);
    expect(await cli(["tokens", "--account", "profiles-none"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "no tokens\n",
    });
  });

  test("makes a file and folder private that were open to all", async () => {
    home.write({ profiles: {} });
    expect(home.modes()).not.toEqual([0o600, 0o700]);
    expect((await login()).code).toBe(0);
    expect(home.modes()).toEqual([0o600, 0o700]);
  });

  test("honours XDG_CONFIG_HOME, and not a relative one", async () => {
    const xdg = join(empty, "xdg");
    const env = { XDG_CONFIG_HOME: xdg };
    const args = ["login", edge.stack.url, "--with-token"];
    await cli(args, { input: edge.stack.token, env });
    expect(existsSync(join(xdg, "claude-edge", "config.json"))).toBe(true);
    expect(existsSync(home.path)).toBe(false);
    await cli(args, { input: edge.stack.token, env: { XDG_CONFIG_HOME: "here" } });
    expect(existsSync(home.path)).toBe(true);
  });

  test("a key that is refused is not saved, and a place that is no deployment never sees it", async () => {
    expect(await login([], "ce_root_wrong")).toMatchObject({ code: 4, stdout: "" });
    expect(existsSync(home.path)).toBe(false);
    const args = ["login", trapUrl, "--with-token"];
    expect((await cli(args, { input: "my-secret-key" })).code).not.toBe(0);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.join()).not.toContain("my-secret-key");
    expect(existsSync(home.path)).toBe(false);
  });

  test.each([
    ["no URL", ["--with-token"], "k", "login <url>"],
    ["a URL that is none", ["ftp://x", "--with-token"], "k", "https://"],
    ["a URL with a password", ["https://a:pw123@x.example", "--with-token"], "k", "no password"],
    ["no terminal and no pipe", ["https://x.example"], undefined, "--with-token"],
    ["nothing in the pipe", ["https://x.example", "--with-token"], " \n", "There is nothing"],
    ["two lines", ["https://x.example", "--with-token"], "one\ntwo", "without blanks"],
    ["too much", ["https://x.example", "--with-token"], "x".repeat(100_000), "too long"],
    ["a bad name", ["https://x.example", "--with-token", "--profile", "../x"], "k", "name"],
    ["__proto__", ["https://x.example", "--with-token", "--profile", "__proto__"], "k", "name"],
  ])("%s is wrong use", async (_what, args, input, message) => {
    const result = await cli(["login", ...args], input === undefined ? {} : { input });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toContain("pw123");
    expect(existsSync(home.path)).toBe(false);
  });

  test("a second deployment does not take the first one's name by itself", async () => {
    home.write({
      current: "default",
      profiles: { default: { url: "https://first.example", token: "first" } },
    });
    const refused = await login();
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain("https://first.example");
    expect((await login(["--profile", "second"])).code).toBe(0);
    expect(home.read()).toMatchObject({
      current: "second",
      profiles: { default: { token: "first" } },
    });
    // The same deployment once more: its profile is brought up to date.
    expect((await login(["--account", "acme"])).code).toBe(0);
    expect(home.read().profiles.second).toMatchObject({ account: "acme" });
    expect((await login(["--profile", "default"])).code).toBe(0);
    expect(home.read().profiles.default).toMatchObject({ url: edge.stack.url });
  });

  test.each([
    ["not JSON", '{"profiles": {"a": {"token": "sk-very-secret"'],
    ["a list", "[]"],
    ["no profiles", "{}"],
    ["a profile without a URL", { profiles: { a: { token: "sk-very-secret" } } }],
    ["a token that is a number", { profiles: { a: { url: "https://x.example", token: 1 } } }],
    ["profiles that are a list", { profiles: [] }],
    ["empty", ""],
  ])("a damaged file (%s) is named, kept, and not quoted", async (_what, config) => {
    home.write(config);
    for (const args of [["whoami"], ["query", "hi"], ["config"], ["logout"]]) {
      const result = await cli(args);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toContain(home.path);
      expect(result.stderr).toContain("fix: ");
      expect(result.stderr).not.toContain("sk-very-secret");
      expect(result.stderr).not.toContain("    at ");
    }
    expect((await login()).code).toBe(1);
    // What is said outright needs no file.
    const env = { CLAUDE_EDGE_URL: edge.stack.url, CLAUDE_EDGE_TOKEN: edge.stack.token };
    expect(await cli(["tokens", "--account", "profiles-none"], { env })).toMatchObject({ code: 0 });
  });

  test("a place that cannot be written to is an error with its path", async () => {
    writeFileSync(join(home.env.HOME, ".config"), "a file");
    const { code, stderr } = await login();
    expect(code).toBe(1);
    expect(stderr).toContain(home.path);
    expect(stderr).not.toContain("    at ");
  });
});

describe("claude-edge login in a terminal", () => {
  test.runIf(hasTerminal)("asks for URL and key, and shows no key", async () => {
    const { shows, type, ended, raw } = openTerminal(["login"], { env: home.env, cwd: empty });
    await shows("URL of the deployment");
    type(`nonsense${ENTER}`);
    await shows("https://");
    type(`${"\u007F".repeat(8)}${edge.stack.url}${ENTER}`);
    await shows(`Key of ${edge.stack.url}`);
    type(edge.stack.token);
    type(ENTER);
    await shows("logged in");
    expect(await ended).toBe(0);
    expect(raw()).not.toContain(edge.stack.token);
    expect(home.read().profiles.default!.token).toBe(edge.stack.token);
  });

  const screen = (...args: string[]) =>
    openScreen(["login", edge.stack.url, ...args], { env: home.env, cwd: empty });

  test("Ctrl-C saves nothing", async () => {
    const { shows, type, ended } = screen();
    await shows("Key of");
    type(CTRL_C);
    expect(await ended).toBe(130);
    expect(existsSync(home.path)).toBe(false);
  });

  test("--with-token is for pipes", async () => {
    const { shows, ended } = screen("--with-token");
    await shows("Pipe the value in");
    expect(await ended).toBe(2);
  });
});

describe("which deployment", () => {
  const stackProfile = () => ({ url: edge.stack.url, token: edge.stack.token });
  const trapProfile = () => ({ url: trapUrl, token: "of-the-trap" });
  const both = (current: string) => ({
    current,
    profiles: { stack: stackProfile(), trap: trapProfile() },
  });
  /** The origin of the URL and of the key, as whoami names them. */
  const origins = async (args: string[], options: RunOptions = {}) => {
    const { stdout } = await cli(["whoami", "--json", ...args], options);
    return (JSON.parse(stdout) as { origins: Record<string, string> }).origins;
  };

  test("flags go before the environment, that before the current profile", async () => {
    home.write(both("stack"));
    expect(await origins([])).toMatchObject({ url: "profile stack", token: "profile stack" });
    const byName = { CLAUDE_EDGE_PROFILE: "trap" };
    expect(await origins([], { env: byName })).toMatchObject({ url: "profile trap" });
    const byUrl = { ...byName, CLAUDE_EDGE_URL: edge.stack.url };
    expect(await origins([], { env: byUrl })).toMatchObject({
      url: "CLAUDE_EDGE_URL",
      token: "profile stack",
    });
    expect(await origins(["--profile", "trap"], { env: byUrl })).toMatchObject({
      url: "profile trap",
      token: "profile trap",
    });
    expect(await origins(["--url", trapUrl], { env: byUrl })).toMatchObject({
      url: "--url",
      token: "profile trap",
    });
    const withKey = { ...byUrl, CLAUDE_EDGE_TOKEN: edge.stack.token };
    expect(await origins([], { env: withKey })).toMatchObject({ token: "CLAUDE_EDGE_TOKEN" });
    expect(
      await origins(["--profile", "stack"], { env: { CLAUDE_EDGE_TOKEN: "x" } }),
    ).toMatchObject({
      token: "profile stack",
    });
  });

  test("a running dev goes before the current profile, and gets its own key only", async () => {
    home.write(both("stack"));
    const folder = join(home.env.HOME, "project", ".wrangler", "claude-edge");
    mkdirSync(folder, { recursive: true });
    const dev = { url: trapUrl, token: "of-the-dev", pid: process.pid };
    writeFileSync(join(folder, "dev.json"), JSON.stringify(dev));
    const cwd = join(home.env.HOME, "project");
    expect(await origins([], { cwd })).toMatchObject({ url: "claude-edge dev" });
    expect(new Set(seen)).toEqual(new Set(["Bearer of-the-dev"]));
    expect(await origins(["--profile", "stack"], { cwd })).toMatchObject({ url: "profile stack" });
  });

  test("a saved key goes to the URL it was saved for and no other", async () => {
    home.write({ current: "stack", profiles: { stack: stackProfile() } });
    expect(await cli(["query", "hi", "--url", trapUrl])).toMatchObject({ code: 4 });
    expect(await cli(["query", "hi"], { env: { CLAUDE_EDGE_URL: trapUrl } })).toMatchObject({
      code: 4,
    });
    expect(await cli(["query", "hi", "--url", `${edge.stack.url}/other`])).toMatchObject({
      code: 4,
    });
    expect(seen).toEqual([]);
    expect((await cli(["config", "set", "url", trapUrl])).stderr).toContain(
      "next: claude-edge login",
    );
    expect(home.read().profiles.stack).toEqual({ url: trapUrl });
    expect(await cli(["query", "hi"])).toMatchObject({ code: 4 });
    expect(seen).toEqual([]);
  });

  test("the same deployment under another spelling of its URL has its key", async () => {
    home.write({ profiles: { stack: stackProfile() } });
    const url = `${edge.stack.url.replace("127.0.0.1", "localhost")}/`;
    expect(await cli(["tokens", "--url", url])).toMatchObject({ code: 0 });
  });

  test("a profile's account is acted for", async () => {
    home.write({
      current: "a",
      profiles: { a: { ...stackProfile(), account: "profile-a" } },
    });
    const acting = async (args: string[], options?: RunOptions) =>
      (await cli(["usage", ...args], options)).stderr;
    const other = { env: { CLAUDE_EDGE_ACCOUNT: "profile-b" } };
    expect(await acting([])).toContain("account profile-a has used nothing");
    expect(await acting([], other)).toContain("account profile-b has used nothing");
    expect(await acting(["--account", "profile-c"], other)).toContain("account profile-c");
  });

  test.each([
    ["a profile there is not", ["query", "hi", "--profile", "nope"], 5, "stack, trap"],
    ["one that every object has", ["query", "hi", "--profile", "constructor"], 5, "stack, trap"],
    [
      "--url and --profile",
      ["query", "hi", "--profile", "stack", "--url", "https://x.example"],
      2,
      "exclude",
    ],
  ])("%s is an error", async (_what, args, code, message) => {
    home.write(both("stack"));
    const result = await cli(args);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });
});

describe("claude-edge whoami", () => {
  test("says where, as whom, and that it works", async () => {
    await login(["--account", "acme"]);
    const { code, stdout, stderr } = await cli(["whoami"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(edge.stack.url);
    expect(stdout).toContain("acme (profile default)");
    expect(stdout).toContain("works");
    expect(stdout).not.toContain(edge.stack.token);
    const json = await cli(["whoami", "--json"]);
    expect(json.stdout).not.toContain(edge.stack.token);
    expect(JSON.parse(json.stdout)).toMatchObject({
      url: edge.stack.url,
      profile: "default",
      account: "acme",
      credential: "works",
      versions: { cli: "0.1.0", deployment: "0.1.0", deployment_protocol: expect.any(Number) },
    });
  });

  test("says that a key is refused, or that nobody answers", async () => {
    home.write({
      current: "a",
      profiles: { a: { url: edge.stack.url, token: "not-the-key-at-all" } },
    });
    const refused = await cli(["whoami", "--json"]);
    expect(refused.code).toBe(4);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      credential: "refused",
      error: { code: "unauthorized" },
    });
    const gone = await cli(["whoami", "--json", "--url", "http://127.0.0.1:9"], {
      env: { CLAUDE_EDGE_TOKEN: "x" },
    });
    expect(gone.code).toBe(7);
    expect(JSON.parse(gone.stdout)).toMatchObject({
      credential: "unknown",
      versions: { deployment: null },
    });
  });

  test("without any deployment says how to get at one", async () => {
    const { code, stdout, stderr } = await cli(["whoami"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("login");
  });
});
