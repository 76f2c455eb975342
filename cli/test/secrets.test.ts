import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { beforeEach, describe, expect, test } from "vitest";

import { API_KEY, useCloudflare } from "./support/cloudflare.js";
import { CTRL_C, DOWN, ENTER } from "./support/keys.js";
import type { RunOptions } from "./support/run.js";
import { openScreen } from "./support/terminal.js";

const OAUTH_TOKEN = "sk-ant-oat01-0123456789abcdef";
const ADMIN_KEY = "sk-ant-admin01-0123456789abcdef";

const cloudflare = useCloudflare();
const { api, empty, cli, deployed, makeProject } = cloudflare;
const secrets = (args: string[], options?: RunOptions) => cli(["secrets", ...args], options);

describe("claude-edge secrets, of a deployment", () => {
  test("sets what is piped in, and shows it nowhere", async () => {
    const worker = deployed();
    const { code, stdout, stderr } = await secrets(["set", "ANTHROPIC_API_KEY"], {
      input: `${API_KEY}\n`,
    });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "",
      stderr: "ANTHROPIC_API_KEY is set\n",
    });
    expect(Object.fromEntries(worker.secrets)).toEqual({ ANTHROPIC_API_KEY: API_KEY });
    // wrangler, and what wrangler starts.
    expect(cloudflare.traces.args().length).toBeGreaterThanOrEqual(2);
    expect(cloudflare.traces.all()).not.toContain(API_KEY);
    expect(
      cloudflare.traces.leftovers().filter((path) => readFileSync(path, "utf8").includes(API_KEY)),
    ).toEqual([]);
  });
});

describe("claude-edge secrets, wrong use", () => {
  test.each([
    ["a name there is not", ["set", "OPENAI_API_KEY"], "x", "ANTHROPIC_AUTH_TOKEN"],
    ["no name and no terminal", ["set"], "x", "ANTHROPIC_API_KEY|"],
    ["no value", ["set", "ANTHROPIC_API_KEY"], "\n", "There is nothing"],
    ["nobody to ask and no pipe", ["set", "ANTHROPIC_API_KEY"], undefined, "There is nothing"],
    ["two lines", ["set", "ANTHROPIC_API_KEY"], "a\nb", "without blanks"],
    ["a value as an argument", ["set", "ANTHROPIC_API_KEY", "v4lue"], "x", "never an argument"],
    ["a generated API key", ["set", "ANTHROPIC_API_KEY", "--generate"], "x", "--generate"],
    [
      "an OAuth token as an API key",
      ["set", "ANTHROPIC_API_KEY"],
      OAUTH_TOKEN,
      "CLAUDE_CODE_OAUTH_TOKEN",
    ],
    [
      "an OAuth token as an auth token",
      ["set", "ANTHROPIC_AUTH_TOKEN"],
      OAUTH_TOKEN,
      "CLAUDE_CODE_OAUTH_TOKEN",
    ],
    [
      "an API key as an OAuth token",
      ["set", "CLAUDE_CODE_OAUTH_TOKEN"],
      API_KEY,
      "belongs in ANTHROPIC_API_KEY",
    ],
    [
      "an API key as the root key",
      ["set", "CLAUDE_EDGE_ROOT_KEY"],
      API_KEY,
      "belongs in ANTHROPIC_API_KEY",
    ],
    [
      "a root key as an API key",
      ["set", "ANTHROPIC_API_KEY"],
      "ce_root_1",
      "belongs in CLAUDE_EDGE_ROOT_KEY",
    ],
    ["an admin key", ["set", "ANTHROPIC_API_KEY"], ADMIN_KEY, "asks no model"],
  ])("%s", async (_what, args, input, message) => {
    const worker = deployed();
    for (const local of [[], ["--local"]]) {
      const result = await secrets([...args, ...local], input === undefined ? {} : { input });
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).toContain(message);
      for (const value of [OAUTH_TOKEN, API_KEY, ADMIN_KEY])
        expect(result.stderr).not.toContain(value);
    }
    expect(worker.secrets.size).toBe(0);
    expect(existsSync(join(cloudflare.project, ".dev.vars"))).toBe(false);
  });

  test("a folder that is no project", async () => {
    expect(await secrets(["list"], { cwd: empty })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no wrangler.jsonc"),
    });
    writeFileSync(join(empty, "wrangler.jsonc"), "{}");
    expect(await secrets(["list"], { cwd: empty })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("npm install"),
    });
  });
});

describe("claude-edge secrets --local", () => {
  let local: string;
  const read = () => readFileSync(join(local, ".dev.vars"), "utf8");
  const set = (name: string, input: string, ...args: string[]) =>
    secrets(["set", name, "--local", ...args], { input, cwd: local });
  beforeEach(() => {
    local = makeProject();
  });

  test("writes .dev.vars for its owner's eyes and asks nobody", async () => {
    expect((await set("ANTHROPIC_API_KEY", API_KEY)).code).toBe(0);
    expect(read()).toBe(`ANTHROPIC_API_KEY=${API_KEY}\n`);
    expect(statSync(join(local, ".dev.vars")).mode & 0o777).toBe(0o600);
    expect(api.requests).toEqual([]);
    expect(cloudflare.traces.all()).not.toContain(API_KEY);
  });

  test("keeps the other lines, and replaces its own wherever it is", async () => {
    const path = join(local, ".dev.vars");
    const before =
      '# mine\nFOO="a # b"\n export ANTHROPIC_API_KEY = old\nMY_ANTHROPIC_API_KEY=z\nANTHROPIC_API_KEY=twice';
    writeFileSync(path, before, { mode: 0o644 });
    await set("ANTHROPIC_API_KEY", API_KEY);
    expect(read()).toBe(
      `# mine\nFOO="a # b"\nANTHROPIC_API_KEY=${API_KEY}\nMY_ANTHROPIC_API_KEY=z\n`,
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await set("CLAUDE_EDGE_ROOT_KEY", "", "--generate");
    expect(read()).toMatch(/z\nCLAUDE_EDGE_ROOT_KEY=ce_root_[\w-]{32}\n$/);
    expect((await secrets(["list", "--local"], { cwd: local })).stdout).toBe(
      "ANTHROPIC_API_KEY\nCLAUDE_EDGE_ROOT_KEY\n",
    );
    await secrets(["delete", "ANTHROPIC_API_KEY", "--local"], { cwd: local });
    expect(read()).toMatch(
      /^# mine\nFOO="a # b"\nMY_ANTHROPIC_API_KEY=z\nCLAUDE_EDGE_ROOT_KEY=\S+\n$/,
    );
    expect(await secrets(["delete", "ANTHROPIC_API_KEY", "--local"], { cwd: local })).toMatchObject(
      {
        code: 5,
      },
    );
  });

  test("a last line without an end stays a line of its own", async () => {
    writeFileSync(join(local, ".dev.vars"), "FOO=1");
    await set("ANTHROPIC_API_KEY", API_KEY);
    expect(read()).toBe(`FOO=1\nANTHROPIC_API_KEY=${API_KEY}\n`);
  });

  test("a value that readers of the file take in different ways is refused", async () => {
    expect(await set("ANTHROPIC_AUTH_TOKEN", "a$HOME'#")).toMatchObject({ code: 2 });
    expect(existsSync(join(local, ".dev.vars"))).toBe(false);
  });
});

describe("claude-edge secrets set in a terminal", () => {
  let local: string;
  const screen = (args: string[]) =>
    openScreen(["secrets", "set", "--local", ...args], { env: cloudflare.env(), cwd: local });
  beforeEach(() => {
    local = makeProject();
  });

  test("asks which credential and for its value, hidden", async () => {
    const { shows, type, ended, raw } = screen([]);
    await shows("How does the deployment ask the model?");
    type(`${DOWN}${DOWN}${ENTER}`);
    await shows("Anthropic bars offering claude.ai login to others");
    await shows("CLAUDE_CODE_OAUTH_TOKEN");
    type(OAUTH_TOKEN);
    type(ENTER);
    await shows("is in .dev.vars");
    expect(await ended).toBe(0);
    expect(raw()).not.toContain(OAUTH_TOKEN);
    expect(readFileSync(join(local, ".dev.vars"), "utf8")).toBe(
      `CLAUDE_CODE_OAUTH_TOKEN=${OAUTH_TOKEN}\n`,
    );
  });

  test("Ctrl-C at the value sets nothing", async () => {
    const { shows, type, ended } = screen(["ANTHROPIC_API_KEY"]);
    await shows("ANTHROPIC_API_KEY");
    type(CTRL_C);
    expect(await ended).toBe(130);
    expect(existsSync(join(local, ".dev.vars"))).toBe(false);
  });
});
