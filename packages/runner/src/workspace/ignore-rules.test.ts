import { appendFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";

import { beforeEach, describe, expect, test } from "vitest";

import { deleted, directory, file } from "../../test/support/entries.js";
import { LocalWorkspace } from "../../test/support/local-workspace.js";

let workspace: LocalWorkspace;
const at = (path: string) => workspace.at(path);
const write = (path: string, content: string) => workspace.write(path, content);
const paths = () => workspace.changes().map(({ path }) => path);

beforeEach(() => {
  workspace = new LocalWorkspace().makeRoot();
});

describe("what is left out", () => {
  test("are folders that are made again, wherever they lie, and nothing else of these names", () => {
    for (const name of ["node_modules", ".venv", "__pycache__", ".cache"]) {
      write(`${name}/a`, "1");
      write(`deep/${name}/a`, "1");
    }
    write("file/node_modules", "a file");
    workspace.makeDirectory("link");
    symlinkSync("..", at("link/.venv"));
    write("node_modules.md", "1");
    write("my_node_modules/a", "1");
    expect(paths()).toEqual([
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

  test("is nothing of a repository's own folder, whatever its branches are called", () => {
    workspace = new LocalWorkspace({ ignore: ["*.orig"], gitignore: true }).makeRoot();
    const kept = [".git/HEAD", ".git/refs/heads/venv/one", ".git/logs/refs/heads/.cache/a.log"];
    for (const path of kept) {
      write(path, "1");
      write(`project/${path}`, "1");
    }
    write(".gitignore", "HEAD\n*.log\nheads/\n");
    write(".git/HEAD.orig", "1");
    write("project/a.log", "1");
    const files = paths();
    for (const path of kept) expect(files).toContain(path);
    for (const path of kept) expect(files).toContain(`project/${path}`);
    expect(files).not.toContain(".git/HEAD.orig");
    expect(files).not.toContain("project/a.log");
  });

  test("is what the agent's definition names", () => {
    workspace = new LocalWorkspace({
      ignore: ["data/", "*.log", "!keep.log", "/only-here", "!.cache/"],
    }).makeRoot();
    for (const path of ["data/a", "deep/data/a", "a.log", "deep/keep.log", "only-here"]) {
      write(path, "1");
    }
    write("deep/only-here", "1");
    write(".cache/taken-back", "1");
    write(".gitignore", "b");
    write("b", "1");
    write("A.LOG", "names differ in case");
    expect(paths().toSorted()).toEqual(
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

  test("is what .gitignore files name, each from where it lies", () => {
    workspace = new LocalWorkspace({ gitignore: true }).makeRoot();
    write(".gitignore", "*.tmp\n/build/\n");
    write("a.tmp", "1");
    write("build/a", "1");
    write("sub/build/a", "1");
    write("sub/.gitignore", "!b.tmp\n/local\n");
    write("sub/b.tmp", "1");
    write("sub/c.tmp", "1");
    write("sub/local", "1");
    write("sub/deep/local", "1");
    expect(paths()).toEqual([
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
    expect(paths()).toEqual(["sub/.gitignore"]);
    rmSync(at("sub/deep"), { recursive: true });
    expect(paths()).toEqual([]);
    rmSync(at("sub"), { recursive: true });
    expect(workspace.changes()).toEqual([deleted("sub")]);
  });

  test("stays as it was brought", () => {
    const entries = [directory("node_modules"), file("node_modules/a", "1"), file("b", "2")];
    workspace.put(entries);
    expect(workspace.send("1", "2")).toEqual([]);
    writeFileSync(at("node_modules/a"), "changed");
    write("c", "3");
    expect(workspace.changes()).toEqual([file("c", "3")]);
    rmSync(at("node_modules"), { recursive: true });
    expect(workspace.changes()).toEqual([]);
  });
});
