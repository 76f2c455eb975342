import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { deleted, directory, file, TestRunner, type TestSession } from "./support/runner.js";

let runner: TestRunner;
let session: TestSession;
const at = (path: string) => session.at(path);
const write = (path: string, content: string, mode?: number) => session.write(path, content, mode);

beforeAll(async () => {
  process.umask(0o022);
  runner = new TestRunner();
  await runner.launch();
});
afterAll(() => runner.close());
beforeEach(() => {
  session = runner.session().makeRoot();
});

describe("what is left out", () => {
  let own: TestRunner;
  afterEach(() => own?.close());

  async function withConfig(workspace: object): Promise<void> {
    own = new TestRunner();
    const text = `export default { workspace: ${JSON.stringify(workspace)} };`;
    writeFileSync(join(own.folder, "agent.config.mjs"), text);
    await own.launch();
    session = own.session().makeRoot();
  }
  const paths = async () => (await session.changes()).map(({ path }) => path);

  test("are folders that are made again, wherever they lie, and nothing else of these names", async () => {
    for (const name of ["node_modules", ".venv", "__pycache__", ".cache"]) {
      write(`${name}/a`, "1");
      write(`deep/${name}/a`, "1");
    }
    write("file/node_modules", "a file");
    mkdirSync(at("link"));
    symlinkSync("..", at("link/.venv"));
    write("node_modules.md", "1");
    write("my_node_modules/a", "1");
    expect(await paths()).toEqual([
      "deep",
      "file",
      "file/node_modules",
      "link",
      "link/.venv",
      "my_node_modules",
      "my_node_modules/a",
      "node_modules.md",
    ]);
  });

  test("is what the agent's definition names", async () => {
    await withConfig({ ignore: ["data/", "*.log", "!keep.log", "/only-here", "!.cache/"] });
    for (const path of ["data/a", "deep/data/a", "a.log", "deep/keep.log", "only-here"]) {
      write(path, "1");
    }
    write("deep/only-here", "1");
    write(".cache/taken-back", "1");
    write(".gitignore", "b");
    write("b", "1");
    write("A.LOG", "names differ in case");
    expect((await paths()).toSorted()).toEqual(
      [
        ".cache",
        ".cache/taken-back",
        ".gitignore",
        "A.LOG",
        "b",
        "deep",
        "deep/keep.log",
        "deep/only-here",
      ].toSorted(),
    );
  });

  test("is what .gitignore files name, each from where it lies", async () => {
    await withConfig({ gitignore: true });
    write(".gitignore", "*.tmp\n/build/\n");
    write("a.tmp", "1");
    write("build/a", "1");
    write("sub/build/a", "1");
    write("sub/.gitignore", "!b.tmp\n/local\n");
    write("sub/b.tmp", "1");
    write("sub/c.tmp", "1");
    write("sub/local", "1");
    write("sub/deep/local", "1");
    expect(await paths()).toEqual([
      ".gitignore",
      "sub",
      "sub/.gitignore",
      "sub/b.tmp",
      "sub/build",
      "sub/build/a",
      "sub/deep",
      "sub/deep/local",
    ]);
    // What is left out from now on is left as it was.
    appendFileSync(at("sub/.gitignore"), "deep\n");
    writeFileSync(at("sub/deep/local"), "2");
    expect(await paths()).toEqual(["sub/.gitignore"]);
    rmSync(at("sub/deep"), { recursive: true });
    expect(await paths()).toEqual([]);
    rmSync(at("sub"), { recursive: true });
    expect(await session.changes()).toEqual([deleted("sub")]);
  });

  test("stays as it was brought", async () => {
    const entries = [directory("node_modules"), file("node_modules/a", "1"), file("b", "2")];
    await session.put(entries);
    expect(await session.send("1", "2")).toMatchObject({ missing: [] });
    writeFileSync(at("node_modules/a"), "changed");
    write("c", "3");
    expect(await session.changes()).toEqual([file("c", "3")]);
    rmSync(at("node_modules"), { recursive: true });
    expect(await session.changes()).toEqual([]);
  });

  test.each([
    [{ ignore: "data/" }, "workspace.ignore must be a list of patterns"],
    [{ ignore: [1] }, "workspace.ignore must be a list of patterns"],
    [{ gitignore: "yes" }, "workspace.gitignore must be true or false"],
    [{ ignored: [] }, "workspace has no option ignored"],
  ])("by a definition that is wrong is told: %j", async (workspace, problem) => {
    await withConfig(workspace);
    const health = await own.json("GET", "/health");
    expect(health.error).toContain(problem);
  });
});
