/** What somebody does who has never seen this project: from a registry, in an empty folder, by the README's words. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, test } from "vitest";

import { hasTerminal, openTerminal } from "../../cli/test/support/terminal.js";
import { must, run, serve, userEnvironment, type Service } from "../support/scaffold.js";
import { until } from "../support/wait.js";
import { shellLinesOf, snippetsOf } from "../docs/markdown.js";
import { startRegistry, type Registry } from "./registry.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const temp = mkdtempSync(join(tmpdir(), "newcomer-"));
const project = join(temp, "my-agent");
const home = join(temp, "home");
/** What the README tells to do, line by line. */
const [START = "", DEV = "", QUERY = "", ...DEPLOY] = shellLinesOf(
  readFileSync(join(ROOT, "README.md"), "utf8"),
  "Start a project",
);
const [INIT = "", CD = "", INSTALL = ""] = START.split(" && ");
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

/** In the likeness of public programs: types, options of this machine, callbacks, tools and stored sessions. */
const PROGRAM = `
import {
  AbortError,
  HOOK_EVENTS,
  createSdkMcpServer,
  forkSession,
  getSessionMessages,
  listSessions,
  query,
  startup,
  tool,
  type CanUseTool,
  type HookCallback,
  type Options,
  type PermissionMode,
  type Query,
  type SDKMessage,
  type SDKResultMessage,
  type SDKUserMessage,
} from "@claude-edge/client/agent-sdk";
import * as z from "zod";

const mode: PermissionMode = "acceptEdits";
const canUseTool: CanUseTool = async (_name, input) => ({ behavior: "allow", updatedInput: input });
const log: HookCallback = async (input) => {
  if (input.hook_event_name === "PreToolUse") console.log(input.tool_name);
  return { continue: true };
};
const add = tool("add", "Adds", { a: z.number(), b: z.number() }, async ({ a, b }) => ({
  content: [{ type: "text", text: String(a + b) }],
}));
const options: Options = {
  cwd: process.cwd(),
  env: { ...process.env, MODE: "test" },
  permissionMode: mode,
  canUseTool,
  stderr: (data) => console.error(data),
  pathToClaudeCodeExecutable: "/usr/local/bin/claude",
  hooks: Object.fromEntries(HOOK_EVENTS.map((event) => [event, [{ hooks: [log] }]])),
  mcpServers: { sums: createSdkMcpServer({ name: "sums", tools: [add] }) },
};
async function* prompts(): AsyncGenerator<SDKUserMessage> {
  yield { type: "user", message: { role: "user", content: "Hi" }, parent_tool_use_id: null };
}
function textOf(message: SDKMessage): string {
  if (message.type !== "assistant") return "";
  return message.message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}
let result: SDKResultMessage | undefined;
const running: Query = query({ prompt: prompts(), options });
try {
  for await (const message of running) {
    console.log(textOf(message));
    if (message.type === "result") result = message;
  }
} catch (error) {
  if (!(error instanceof AbortError)) throw error;
}
if (result?.subtype === "success") console.log(result.result, result.total_cost_usd);
for (const { sessionId, summary } of await listSessions({ limit: 10 })) {
  console.log(summary, (await getSessionMessages(sessionId)).length);
  await forkSession(sessionId, { title: "Another way" });
}
const warm = await startup({ options });
for await (const message of warm.query("Hi")) console.log(message.type);
`;

const npx = (...args: string[]) => run("npx", args, { cwd: project, env });

test("the client's snippets compile without the Agent SDK, and with it", async () => {
  const folder = join(temp, "caller");
  mkdirSync(folder);
  const page = readFileSync(join(ROOT, "packages", "client", "README.md"), "utf8");
  const snippets = snippetsOf(page);
  expect(snippets.length).toBeGreaterThan(15);
  for (const { line, code } of snippets) {
    writeFileSync(join(folder, `line-${line}.ts`), `${code}\nexport {};\n`);
  }
  const compilerOptions = { module: "nodenext", target: "es2022", strict: true, noEmit: true };
  const types = { types: ["node"] };
  const write = (skipLibCheck: boolean) =>
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...compilerOptions, ...types, skipLibCheck } }),
    );
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const npm = (...packages: string[]) =>
    must("npm", ["install", ...packages], { cwd: folder, env });
  const tsc = () => run("npx", ["tsc"], { cwd: folder, env });

  await npm("@claude-edge/client", "zod", "typescript@7.0.2", "@types/node@24");
  expect(existsSync(join(folder, "node_modules", "@anthropic-ai"))).toBe(false);
  for (const skipLibCheck of [false, true]) {
    write(skipLibCheck);
    expect(await tsc()).toMatchObject({ code: 0, stdout: "" });
  }
  const { dependencies } = JSON.parse(
    readFileSync(join(ROOT, "packages", "runner", "package.json"), "utf8"),
  ) as { dependencies: Record<string, string> };
  const name = "@anthropic-ai/claude-agent-sdk";
  await npm(`${name}@${dependencies[name]}`);
  // A program written for it, its one import changed.
  writeFileSync(join(folder, "program.ts"), PROGRAM);
  expect(await tsc()).toMatchObject({ code: 0, stdout: "" });
});

test("npx claude-edge init makes a project, with versions and no copies of packages", async () => {
  expect([INIT, CD]).toEqual(["npx claude-edge init my-agent", "cd my-agent"]);
  // There is no terminal that it could ask in.
  const line = `${INIT.replace("npx", "npx --yes")} --yes`;
  const { code, stderr } = await run("sh", ["-c", line], { cwd: temp, env });
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
  await must("sh", ["-c", INSTALL], { cwd: project, env });
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

test("the README deploys with commands that the project has", async () => {
  expect(DEPLOY).toEqual(["npx wrangler login", "npx claude-edge deploy"]);
  for (const line of DEPLOY) {
    expect(await run("sh", ["-c", `${line} --help`], { cwd: project, env })).toMatchObject({
      code: 0,
    });
  }
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
  expect(DEV).toBe("npx claude-edge dev");
  const bin = join(project, "node_modules", ".bin", "claude-edge");
  dev = serve(bin, ["dev", "--port", "0"], { cwd: project, env });
  await until("dev is up", () => dev!.said().stdout.endsWith("\n"), 60_000);
  await until("it names its model", () => dev!.said().stderr.includes("scripted model"));
});

test("a query is answered", async () => {
  const line = QUERY.replace("What can you do?", "%say Hello, newcomer.");
  expect(await run("sh", ["-c", line], { cwd: project, env })).toMatchObject({
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
