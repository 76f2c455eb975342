/** What somebody does who has never seen this project: from a registry, in an empty folder, by the README's words. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, test } from "vitest";

import { hasTerminal, openTerminal } from "../../cli/test/support/terminal.js";
import { must, run, serve, userEnvironment, type Service } from "../support/scaffold.js";
import { until } from "../support/wait.js";
import { startRegistry, type Registry } from "./registry.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const temp = mkdtempSync(join(tmpdir(), "newcomer-"));
const project = join(temp, "my-agent");
const home = join(temp, "home");
const CTRL_D = "\u0004";

let registry: Registry;
let env: Record<string, string>;
let dev: Service | undefined;

beforeAll(async () => {
  for (const folder of [home, join(temp, "packages")]) mkdirSync(folder);
  registry = await startRegistry(ROOT, join(temp, "packages"));
  // Not the cache of this machine's own: it would keep what this registry says of our packages.
  env = userEnvironment(home, { npm_config_registry: registry.url });
});

afterAll(async () => {
  await dev?.stop();
  await registry?.close();
  rmSync(temp, { recursive: true, force: true });
});

const npx = (...args: string[]) => run("npx", args, { cwd: project, env });

test("npx claude-edge init makes a project, with versions and no copies of packages", async () => {
  const args = ["--yes", "claude-edge", "init", "my-agent", "--yes"];
  const { code, stderr } = await run("npx", args, { cwd: temp, env });
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("npm install"),
  });
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(project, "package.json"), "utf8"),
  ) as Record<string, Record<string, string>>;
  const { version } = JSON.parse(readFileSync(join(ROOT, "cli", "package.json"), "utf8")) as {
    version: string;
  };
  const ours = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) =>
    name.includes("claude-edge"),
  );
  expect(ours.length).toBeGreaterThan(3);
  for (const [, range] of ours) expect(range).toBe(version);
  expect(existsSync(join(project, "vendor"))).toBe(false);
});

test("npm install", async () => {
  await must("npm", ["install"], { cwd: project, env });
  const programs = ["claude-edge", "wrangler", "tsc"].map((name) =>
    existsSync(join(project, "node_modules", ".bin", name)),
  );
  expect(programs).toEqual([true, true, true]);
});

test("its own types and tests pass", async () => {
  await must("npm", ["run", "typecheck"], { cwd: project, env });
  const said = await must("npm", ["test"], { cwd: project, env });
  expect(said).toMatch(/pass [1-9]/);
  expect(said).toMatch(/fail 0/);
});

test("wrangler would deploy it, under both scheduling policies", async () => {
  const deploy = ["wrangler", "deploy", "--dry-run", "--containers-rollout", "none"];
  const said = await npx(...deploy);
  expect(said).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("--dry-run: exiting now"),
  });
  const other = join(temp, "other");
  const flags = ["--yes", "--scheduling", "durable_object", "--with", "r2"];
  await must("npx", ["claude-edge", "init", other, ...flags], { cwd: project, env });
  const config = ["--config", join(other, "wrangler.jsonc")];
  // The packages of the first are found from there: it is the config that is in question.
  const { code, stdout, stderr } = await npx(
    ...deploy,
    ...config,
    join(project, "src", "worker.ts"),
  );
  expect({ code, stdout, stderr }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("FILES"),
  });
});

test("claude-edge dev is up", async () => {
  const bin = join(project, "node_modules", ".bin", "claude-edge");
  dev = serve(bin, ["dev", "--port", "0"], { cwd: project, env });
  await until("dev is up", () => dev!.said().stdout.endsWith("\n"), 60_000);
  expect(dev.said().stderr).toContain("scripted model");
});

test("a query is answered", async () => {
  expect(await npx("claude-edge", "query", "%say Hello, newcomer.")).toMatchObject({
    code: 0,
    stdout: "Hello, newcomer.\n",
  });
});

test.skipIf(!hasTerminal)("a turn of a chat, in a terminal", async () => {
  const bin = join(project, "node_modules", "claude-edge", "dist", "bin.js");
  const program = [process.execPath, bin];
  const terminal = openTerminal(["chat"], { env: { ...env, CI: "" }, cwd: project, program });
  await terminal.shows("/help");
  terminal.type("%say My name is Ada.\r");
  await terminal.shows("My name is Ada.");
  terminal.type(CTRL_D);
  expect(await terminal.ended).toBe(0);
});

test("doctor finds nothing wrong", async () => {
  const { code, stdout } = await npx("claude-edge", "doctor", "--json");
  const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string }[] };
  expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
  expect(checks.find(({ id }) => id === "stream")?.status).toBe("ok");
  expect(code).toBe(0);
});

test("dev ends at Ctrl-C", async () => {
  expect(await dev!.stop()).toBe(0);
});
