import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import { parse, type ParseError } from "jsonc-parser";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { CTRL_C, CTRL_D, DOWN, ENTER } from "./support/keys.js";
import { useCli, type RunOptions } from "./support/run.js";
import { openScreen } from "./support/terminal.js";

const TEMPLATE = fileURLToPath(new URL("../template", import.meta.url));
const { empty, run, runProcess } = useCli();

const folders: string[] = [];
let here: string;
beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), "init-"));
  folders.push(here);
});
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** Finds an npm that packs at once: what the real one, which takes seconds, has packed for the first project. */
const quick = { PATH: `${join(empty, "bin")}:${process.env.PATH}` };
beforeAll(async () => {
  const { code, stderr } = await run(["init", "first", "--yes"]);
  if (code !== 0) throw new Error(stderr);
  mkdirSync(join(empty, "bin"));
  writeFileSync(
    join(empty, "bin", "npm"),
    `#!/bin/sh
[ "$1" = pack ] || exit 0
while [ "$1" != --pack-destination ]; do shift; done
cp "${join(empty, "first", "vendor")}"/* "$2"
`,
    { mode: 0o755 },
  );
});

const init = (args: string[], { env, ...options }: RunOptions = {}) =>
  run(["init", ...args], { cwd: here, ...options, env: { ...quick, ...env } });
const at = (...path: string[]) => join(here, ...path);
const read = (...path: string[]) => readFileSync(at(...path), "utf8");
interface Config {
  name: string;
  vars: Record<string, string>;
  containers: object[];
  exports?: Record<string, object>;
  migrations?: object[];
  r2_buckets?: object[];
}
const config = (folder: string) => {
  const errors: ParseError[] = [];
  const value = parse(read(folder, "wrangler.jsonc"), errors, { allowTrailingComma: true });
  expect(errors).toEqual([]);
  return value as Config;
};
/** Every file below a folder. */
const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

describe("claude-edge init", () => {
  test("writes the template's files, those and no others, under the folder's name", async () => {
    const { code, stdout, stderr } = await init(["My Agent", "--yes"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    const template = execFileSync("git", ["ls-files"], { cwd: TEMPLATE, encoding: "utf8" })
      .trimEnd()
      .split("\n")
      .map((path) => (path === "_gitignore" ? ".gitignore" : path));
    const written = filesOf(at("My Agent")).filter((path) => !path.startsWith("vendor/"));
    expect(written.toSorted()).toEqual([...template, ".dev.vars"].toSorted());
    const costs = { CLAUDE_EDGE_SLEEP_AFTER: "5m", CLAUDE_EDGE_DOLLARS_PER_DAY: "30" };
    expect(config("My Agent")).toMatchObject({ name: "my-agent", vars: costs });
    expect(JSON.parse(read("My Agent", "package.json")).name).toBe("my-agent");
    expect(read("My Agent", "compose.yaml")).toContain("cloudflare-dev/containerdo:my-agent");
    for (const name of ["Create", "Configure", "Check"]) expect(stderr).toContain(`${name}: `);
    const next = stderr.slice(stderr.indexOf("Next:")).trimEnd().split("\n").slice(1);
    expect(next.length).toBeLessThanOrEqual(4);
    expect(next[0]).toBe('  cd "My Agent"');
    // Nothing of its making is left beside it.
    expect(readdirSync(here)).toEqual(["My Agent"]);
  });

  test("makes a root key for each project, for its owner's eyes and not for git", async () => {
    await init(["a", "--yes"]);
    await init(["b", "--yes"]);
    const keys = ["a", "b"].map(
      (name) => /^CLAUDE_EDGE_ROOT_KEY=(\S+)$/m.exec(read(name, ".dev.vars"))![1]!,
    );
    expect(keys[0]).toMatch(/^ce_root_[\w-]{32}$/);
    expect(keys[0]).not.toBe(keys[1]);
    expect(statSync(at("a", ".dev.vars")).mode & 0o777).toBe(0o600);
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: at("a"), encoding: "utf8" });
    git("init", "-q");
    expect(git("status", "--porcelain", "--untracked-files=all")).not.toContain(".dev.vars");
    expect(git("check-ignore", ".dev.vars", ".dev.vars.production", ".env")).toContain(".env");
  });

  test("options end up in wrangler.jsonc, and its comments stay", async () => {
    const flags = ["--isolation", "session", "--instance", "basic", "--sleep-after", "90s"];
    const more = ["--max-instances", "50", "--region", "weur,EEUR", "--with", "r2"];
    expect((await init(["x", "--yes", ...flags, ...more, "--name", "shop"])).code).toBe(0);
    const { name, vars, containers, r2_buckets, migrations } = config("x");
    expect(name).toBe("shop");
    expect(vars).toMatchObject({
      CLAUDE_EDGE_ISOLATION: "session",
      CLAUDE_EDGE_SLEEP_AFTER: "90s",
    });
    expect(containers).toEqual([
      {
        class_name: "ContainerDO",
        image: "./Dockerfile",
        instance_type: "basic",
        max_instances: 50,
        rollout_active_grace_period: 900,
        constraints: { regions: ["WEUR", "EEUR"] },
      },
    ]);
    expect(r2_buckets).toEqual([{ binding: "FILES", bucket_name: "shop-files" }]);
    expect(migrations).toHaveLength(1);
    const text = read("x", "wrangler.jsonc");
    expect(text).toContain("// ");
    expect(text.match(/r2_buckets/g)).toHaveLength(1);
  });

  test("a jurisdiction is that of objects, containers and bucket", async () => {
    expect((await init(["j", "--yes", "--jurisdiction", "EU", "--name", "shop"])).code).toBe(0);
    const { vars, containers } = config("j");
    expect(vars.CLAUDE_EDGE_JURISDICTION).toBe("eu");
    expect(containers).toMatchObject([{ constraints: { jurisdiction: "eu" } }]);
    const more = ["--jurisdiction", "fedramp", "--with", "r2", "--name", "shop"];
    expect((await init(["k", "--yes", ...more])).code).toBe(0);
    const bucket = { binding: "FILES", bucket_name: "shop-files", jurisdiction: "fedramp" };
    expect(config("k").r2_buckets).toEqual([bucket]);
    for (const wrong of [["mars"], ["eu", "--scheduling", "durable_object"]]) {
      const refused = await init(["l", "--yes", "--jurisdiction", ...wrong]);
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr).toContain("--jurisdiction");
    }
  });

  test("without R2 its binding is there for later, commented out", async () => {
    expect((await init(["y", "--yes", "--name", "shop"])).code).toBe(0);
    expect(config("y").r2_buckets).toBeUndefined();
    const line = '// "r2_buckets": [{ "binding": "FILES", "bucket_name": "shop-files" }],';
    expect(read("y", "wrangler.jsonc")).toContain(line);
  });

  test("scheduling by Durable Object has its own form of containers, and no migrations", async () => {
    await init(["x", "--yes", "--scheduling", "durable_object", "--instance", "standard-2"]);
    const { containers, exports, migrations, vars } = config("x");
    expect(containers).toEqual([
      {
        name: "agent",
        scheduling_policy: "durable_object",
        images: { agent: { dockerfile: "./Dockerfile" } },
      },
    ]);
    expect(exports?.ContainerDO).toMatchObject({ type: "durable-object", container: "agent" });
    expect(migrations).toBeUndefined();
    expect(vars.CLAUDE_EDGE_INSTANCE).toBe("standard-2");
  });

  test.each([
    ["npm", "npm ci --omit=dev --omit=peer", "package-lock.json", "npm ci", "npx claude-edge dev"],
    [
      "pnpm",
      "pnpm install --prod --frozen-lockfile",
      "pnpm-lock.yaml",
      "pnpm install --frozen-lockfile",
      "pnpm exec claude-edge dev",
    ],
    [
      "yarn",
      "yarn workspaces focus --production",
      "yarn.lock",
      "yarn install --immutable",
      "yarn claude-edge dev",
    ],
    [
      "bun",
      "bun install --production --frozen-lockfile",
      "bun.lock",
      "bun install --frozen-lockfile",
      "bunx claude-edge dev",
    ],
  ])("speaks %s when that started it", async (name, image, lock, ci, next) => {
    const env = { npm_config_user_agent: `${name}/9.9.9 node/v24.0.0 linux x64` };
    const { stdout } = await init(["x", "--json"], { env });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ package_manager: name, next: expect.arrayContaining([next]) });
    expect(read("x", "Dockerfile")).toContain(image);
    expect(read("x", "Dockerfile")).toContain(lock);
    expect(read("x", ".github", "workflows", "deploy.yml")).toContain(ci);
    expect(report.files.toSorted()).toEqual(
      filesOf(at("x"))
        .filter((path) => !path.startsWith("vendor/"))
        .toSorted(),
    );
  });

  test("takes the package manager of the repository it is made in", async () => {
    writeFileSync(at("pnpm-lock.yaml"), "");
    const { stdout } = await init(["packages/x", "--json"]);
    expect(JSON.parse(stdout).package_manager).toBe("pnpm");
  });

  test("from a source checkout it brings the packages along, and depends on them", () => {
    // By the real npm.
    const project = join(empty, "first");
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(project, "package.json"), "utf8"),
    );
    const all = { ...dependencies, ...devDependencies } as Record<string, string>;
    const ours = Object.entries(all).filter(([name]) =>
      /^(@claude-edge\/|claude-edge$)/.test(name),
    );
    expect(ours).toHaveLength(6);
    for (const [, spec] of ours) {
      expect(existsSync(join(project, spec.replace("file:", "")))).toBe(true);
    }
  });

  test.each(["-dash", "it's $HOME", 'say "hi"', "ünï", "back\\slash", "a\u001b[31mb"])(
    "what is to be typed next leads into a folder called %j",
    async (name) => {
      const { stdout } = await init(["--json", "--name", "x", "--", name]);
      const [cd] = JSON.parse(stdout).next as [string];
      expect(cd).not.toContain("\u001b");
      if (name.includes("\u001b")) return;
      const where = execFileSync("sh", ["-c", `${cd} && pwd`], { cwd: here, encoding: "utf8" });
      expect(basename(where.trimEnd())).toBe(name);
    },
  );

  test("--dry-run writes nothing; --json says all that would be", async () => {
    const { code, stdout } = await init(["x", "--dry-run", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "x", dry_run: true, replaced: [] });
    expect(readdirSync(here)).toEqual([]);
    const { stderr } = await init(["x", "--dry-run", "--yes"]);
    expect(stderr).toContain("Would create");
    expect(readdirSync(here)).toEqual([]);
  });
});

test("looks for the Docker that wrangler would use", async () => {
  writeFileSync(at("podman"), "#!/bin/sh\necho 5.6.0\n", { mode: 0o755 });
  const check = async (name: string, program: string) =>
    (await init([name, "--yes"], { env: { WRANGLER_DOCKER_BIN: at(program) } })).stderr;
  expect(await check("with", "podman")).toContain("ok Docker 5.6.0");
  expect(await check("without", "nothing")).toContain("!! Docker");
});

describe("a folder that is not empty", () => {
  test("gets the project beside what it holds", async () => {
    mkdirSync(at("x", "src"), { recursive: true });
    writeFileSync(at("x", "src", "mine.ts"), "mine");
    writeFileSync(at("x", "LICENSE"), "mine");
    expect((await init(["x", "--yes"])).code).toBe(0);
    expect(read("x", "src", "mine.ts")).toBe("mine");
    expect(existsSync(at("x", "src", "worker.ts"))).toBe(true);
  });

  test("`.` is the current folder, under its name", async () => {
    expect((await init([".", "--yes", "--name", "here"])).code).toBe(0);
    expect(config(".").name).toBe("here");
    expect(basename(here)).toMatch(/^init-/);
  });

  test("stays the folder it is, empty or not: a shell may be in it, or a disk mounted there", async () => {
    const before = statSync(here).ino;
    expect((await init([".", "--yes", "--name", "here"])).code).toBe(0);
    expect(statSync(here).ino).toBe(before);
    expect(readdirSync(here).filter((name) => name.startsWith(".claude-edge-"))).toEqual([]);
    mkdirSync(at("real"));
    symlinkSync(at("real"), at("link"));
    expect((await init(["link", "--yes"])).code).toBe(0);
    expect(existsSync(at("real", "package.json"))).toBe(true);
    expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
  });

  test("two at the same moment make one project, whole", async () => {
    const args = ["x", "--yes", "--package-manager"];
    const runs = await Promise.all(
      ["npm", "pnpm"].map((name) => runProcess(["init", ...args, name], { cwd: here, env: quick })),
    );
    const codes = runs.map(({ code }) => code).toSorted();
    expect(codes).toEqual([0, 2]);
    const winner = runs[0]!.code === 0 ? "npm ci" : "pnpm install";
    expect(read("x", "Dockerfile")).toContain(winner);
    expect(existsSync(at("x", "pnpm-workspace.yaml"))).toBe(winner !== "npm ci");
    expect(readdirSync(here)).toEqual(["x"]);
  });

  test("with a folder in the place of a file is refused, also with --force", async () => {
    mkdirSync(at("x", "package.json"), { recursive: true });
    const { code, stderr } = await init(["x", "--yes", "--force"]);
    expect(code).toBe(2);
    expect(stderr).toContain("and a folder");
    expect(readdirSync(at("x"))).toEqual(["package.json"]);
  });

  test("nothing is overwritten: what is in the way is listed; --force replaces just that", async () => {
    mkdirSync(at("x", "src"), { recursive: true });
    writeFileSync(at("x", "src", "worker.ts"), "mine");
    writeFileSync(at("x", "README.md"), "mine");
    writeFileSync(at("x", "notes.md"), "mine");
    const refused = await init(["x", "--yes"]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("README.md, src/worker.ts");
    expect(refused.stderr).toContain("--force");
    expect(filesOf(at("x"))).toHaveLength(3);
    expect(read("x", "src", "worker.ts")).toBe("mine");

    const { stdout } = await init(["x", "--json", "--force"]);
    expect(JSON.parse(stdout).replaced).toEqual(["README.md", "src/worker.ts"]);
    expect(read("x", "src", "worker.ts")).toContain("@claude-edge/worker");
    expect(read("x", "notes.md")).toBe("mine");
  });

  test("a second init keeps the first one's key", async () => {
    await init(["x", "--yes"]);
    const before = read("x", ".dev.vars");
    expect(await init(["x", "--yes"])).toMatchObject({ code: 2 });
    expect(read("x", ".dev.vars")).toBe(before);
    await init(["x", "--yes", "--force"]);
    expect(read("x", ".dev.vars")).toBe(before);
  });

  test("a file, or a link to nowhere, in its place is refused", async () => {
    writeFileSync(at("x"), "mine");
    expect(await init(["x", "--yes"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("not a folder"),
    });
    symlinkSync(at("nowhere"), at("y"));
    expect((await init(["y", "--yes"])).code).toBe(2);
    mkdirSync(at("z"));
    writeFileSync(at("z", "src"), "a file where a folder should be");
    expect((await init(["z", "--yes"])).code).toBe(2);
    expect(read("z", "src")).toContain("a file");
  });
});

describe("what makes no sense is refused before anything is written", () => {
  test.each([
    [["--name", "My Agent"], "My Agent"],
    [["--name", "1st"], "1st"],
    [["--isolation", "both"], "--isolation must be one of account, session"],
    [["--instance", "huge"], "--instance must be one of"],
    [["--instance", "lite"], "1 GiB"],
    [["--sleep-after", "20"], "like 20m"],
    [["--sleep-after", "0m"], "like 20m"],
    [["--sleep-after", "7h"], "up to 6h"],
    [["--sleep-after", "1d"], "up to 6h"],
    [["--max-instances", "0"], "positive"],
    [["--region", "MOON"], "--region must be one of"],
    [["--region", "WEUR", "--scheduling", "durable_object"], "--region"],
    [["--with", "d1"], "--with must be one of r2"],
    [["--scheduling", "mine"], "--scheduling must be one of"],
    [["--package-manager", "cargo"], "--package-manager must be one of"],
  ])("%j", async (flags, message) => {
    const { code, stdout, stderr } = await init(["x", "--yes", ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(readdirSync(here)).toEqual([]);
  });

  test("no folder and nobody to ask", async () => {
    expect(await init([])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("init <folder>"),
    });
    expect(await init(["", "--yes", "--name", "x"])).toMatchObject({ code: 2 });
    expect(readdirSync(here)).toEqual([]);
    expect(await init(["///"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--name"),
    });
  });
});

describe("in a terminal", () => {
  const terminal = (args: string[] = []) =>
    openScreen(["init", ...args], { env: { ...quick, HOME: here }, cwd: here });

  test("it asks two questions", async () => {
    const screen = terminal();
    await screen.shows("Where should it be made?");
    screen.type(`shop${ENTER}`);
    await screen.shows("What gets a container of its own?");
    screen.type(`${DOWN}${ENTER}`);
    await screen.shows("Next:");
    expect(await screen.ended).toBe(0);
    expect(config("shop").vars.CLAUDE_EDGE_ISOLATION).toBe("session");
  });

  test("a flag for every prompt: with both it asks nothing", async () => {
    const screen = terminal(["shop", "--isolation", "account"]);
    await screen.shows("Next:");
    expect(await screen.ended).toBe(0);
    expect(screen.raw()).not.toContain("of its own?");
  });

  test.each([
    ["Ctrl-C", CTRL_C],
    ["Ctrl-D", CTRL_D],
  ])("%s at a question writes nothing", async (_name, key) => {
    const screen = terminal(["shop"]);
    await screen.shows("What gets a container of its own?");
    screen.type(key);
    expect(await screen.ended).toBe(130);
    expect(readdirSync(here)).toEqual([]);
  });
});
