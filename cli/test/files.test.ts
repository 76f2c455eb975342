import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";

import type { FileChange, FileEntry, FileWritten, Session } from "@claude-edge/client";
import { createTarPacker } from "modern-tar";
import { describe, expect, test } from "vitest";

import { useAccounts } from "./support/accounts.js";
import { linesOf } from "./support/sessions.js";
import type { RunOptions } from "./support/run.js";

const { edge, empty, cli } = useAccounts("files");

/** A session of an account of its own, with these files. */
async function having(files: Record<string, string | Uint8Array> = {}) {
  const account = randomUUID();
  const session = await edge.client(account).sessions.create();
  for (const [path, data] of Object.entries(files)) await session.files.put(path, data);
  const cwd = mkdtempSync(join(empty, "files-"));
  const run = ([command, ...rest]: string[], options?: RunOptions) =>
    cli(account, ["files", command!, session.id.slice(0, 8), ...rest], { cwd, ...options });
  return { account, session, cwd, run };
}

const write = (folder: string, files: Record<string, string>) => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
};
const read = (...path: string[]) => readFileSync(join(...path), "utf8");
const textOf = async (session: Session, path: string) => (await session.files.get(path)).text();

/** A tar with whatever a test wants in it. */
async function tarOf(
  entries: { name: string; type?: "file" | "symlink"; text?: string; linkname?: string }[],
): Promise<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const packed = new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
  for (const { text = "", ...header } of entries) {
    const writer = controller.add({ ...header, size: text.length }).getWriter();
    if (text) await writer.write(new TextEncoder().encode(text));
    await writer.close();
  }
  controller.finalize();
  return packed;
}

describe("claude-edge files ls", () => {
  test("is permissions, size and path, folders first as they come", async () => {
    const { run, session } = await having({ "src/main.ts": "x".repeat(1_234), "a.txt": "" });
    await session.files.put("run.sh", "exit", { mode: 0o755 });
    const { code, stdout, stderr } = await run(["ls"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      "-rw-r--r--     0 B  a.txt",
      "-rwxr-xr-x     4 B  run.sh",
      expect.stringMatching(/^drwxr-xr-x .*  src\/$/),
      "",
    ]);
    expect((await run(["ls", "--recursive"])).stdout).toContain("1.2 kB  src/main.ts\n");
    expect((await run(["ls", "./src/"])).stdout).toBe("-rw-r--r--  1.2 kB  src/main.ts\n");
  });

  test("as JSON is an entry a line", async () => {
    const { run } = await having({ "src/main.ts": "x" });
    const { stdout } = await run(["ls", "-r", "--json"]);
    expect(linesOf<FileEntry>(stdout)).toMatchObject([
      { path: "src", type: "directory" },
      { path: "src/main.ts", type: "file", size: 1, sha256: expect.stringMatching(/^\w{64}$/) },
    ]);
  });

  test("spells out what would steer the terminal", async () => {
    const { run } = await having({ "a\u001b[2J\nb": "x" });
    expect((await run(["ls"])).stdout).toBe("-rw-r--r--  1 B  a\\u{1b}[2J\\u{a}b\n");
  });

  test("of nothing, of an earlier state, of none", async () => {
    const { run, session } = await having();
    expect(await run(["ls"])).toEqual({ code: 0, stdout: "", stderr: "no files\n" });
    const first = await session.files.put("a.txt", "1");
    await session.files.put("b.txt", "2");
    const then = await run(["ls", "--at", String(first.checkpoint)]);
    expect(then.stdout).toBe("-rw-r--r--  1 B  a.txt\n");
    expect(await run(["ls", "--at", "0"])).toMatchObject({ code: 0, stdout: "" });
    expect(await run(["ls", "--at", "99999999"])).toMatchObject({ code: 5, stdout: "" });
    expect(await run(["ls", "--at", "abcdef01"])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("no turn that begins with abcdef01"),
    });
  });
});

describe("claude-edge files get", () => {
  test("saves under its own name here, with its permissions, and overwrites nothing", async () => {
    const { run, session, cwd } = await having();
    await session.files.put("bin/run.sh", "exit 0\n", { mode: 0o755 });
    expect(await run(["get", "bin/run.sh"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "saved: run.sh (7 B)\n",
    });
    expect(read(cwd, "run.sh")).toBe("exit 0\n");
    expect(statSync(join(cwd, "run.sh")).mode & 0o111).toBe(0o111);
    writeFileSync(join(cwd, "run.sh"), "mine");
    const again = await run(["get", "bin/run.sh"]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("--force") });
    expect(read(cwd, "run.sh")).toBe("mine");
    expect(await run(["get", "bin/run.sh", "--force"])).toMatchObject({ code: 0 });
    expect(read(cwd, "run.sh")).toBe("exit 0\n");
    expect(readdirSync(cwd)).toEqual(["run.sh"]);
  });

  test("goes to standard output byte for byte, and to where it is told", async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 128);
    const { run, cwd } = await having({ "a.bin": bytes });
    const { code, stdout, stderr } = await run(["get", "a.bin", "-o", "-"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(Buffer.from(stdout).equals(bytes)).toBe(true);
    const saved = await run(["get", "a.bin", "-o", "b.bin", "--json"]);
    expect(linesOf(saved.stdout)).toMatchObject([
      { path: "a.bin", size: 300_000, saved_to: join(cwd, "b.bin") },
    ]);
    expect(readFileSync(join(cwd, "b.bin")).equals(bytes)).toBe(true);
  });

  test("what there is not, and what is a folder", async () => {
    const { run, cwd } = await having({ "src/a.txt": "x" });
    expect(await run(["get", "b.txt"])).toMatchObject({ code: 5, stdout: "" });
    expect(await run(["get", "src"])).toMatchObject({ code: 6, stdout: "" });
    expect(await run(["get", "../a.txt"])).toMatchObject({ code: 2, stdout: "" });
    expect(await run(["get", "src/a.txt", "-o", "-", "--json"])).toMatchObject({ code: 2 });
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe("claude-edge files put", () => {
  test("sends a file under its own name or another, with its permissions", async () => {
    const { run, session, cwd } = await having();
    write(cwd, { "run.sh": "exit 0\n" });
    chmodSync(join(cwd, "run.sh"), 0o755);
    expect(await run(["put", "run.sh"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "written: run.sh (7 B)\n",
    });
    await run(["put", "run.sh", "bin/"]);
    await run(["put", "run.sh", "bin/plain", "--mode", "644"]);
    const modes: Record<string, number> = {};
    for await (const { path, type, mode } of session.files.list("", { recursive: true })) {
      if (type === "file") modes[path] = mode;
    }
    expect(modes).toEqual({ "run.sh": 0o755, "bin/run.sh": 0o755, "bin/plain": 0o644 });
  });

  test("sends standard input", async () => {
    const { run, session } = await having();
    const { code, stdout } = await run(["put", "-", "in.txt", "--json"], { input: "piped\n" });
    expect(code).toBe(0);
    expect(linesOf<FileWritten>(stdout)).toMatchObject([
      { changed: 1, entry: { path: "in.txt", size: 6 } },
    ]);
    expect(await textOf(session, "in.txt")).toBe("piped\n");
  });

  test.each([
    [["put", "nope.txt"], "There is no nope.txt"],
    [["put", "."], "is a folder"],
    [["put", "-"], "needs a path"],
    [["put", "a.txt", "--mode", "9"], "permissions like 644"],
    [["put", "a.txt", "../a.txt"], "not a path of the workspace"],
  ])("%j is refused", async (args, message) => {
    const { run, cwd } = await having();
    write(cwd, { "a.txt": "x" });
    expect(await run(args, { input: "" })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(message),
    });
  });
});

describe("claude-edge files rm", () => {
  test("deletes files, and folders when told", async () => {
    const { run, session } = await having({ "a.txt": "1", "b.txt": "2", "src/c.txt": "3" });
    expect(await run(["rm", "a.txt", "b.txt"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "deleted: a.txt (1 path)\ndeleted: b.txt (1 path)\n",
    });
    expect((await run(["rm", "src"])).code).not.toBe(0);
    expect(await run(["rm", "-r", "src/"])).toMatchObject({ code: 0 });
    expect(await session.files.list().next()).toMatchObject({ done: true });
    expect(await run(["rm", "a.txt"])).toMatchObject({ code: 5 });
  });
});

describe("claude-edge files diff", () => {
  async function changed() {
    const state = await having({
      "a.txt": "one\ntwo\nthree\n",
      "b.bin": "\0\u0001",
      "d.txt": "x\n",
    });
    const { session } = state;
    const { checkpoint } = await session.files.put("run.sh", "exit\n");
    await session.files.put("a.txt", "one\n2\nthree\n");
    await session.files.put("b.bin", "\0\u0002\u0003");
    await session.files.put("c.txt", "new\n");
    await session.files.put("run.sh", "exit\n", { mode: 0o755 });
    await session.files.delete("d.txt");
    return { ...state, from: String(checkpoint) };
  }

  test("is a line for each file that differs", async () => {
    const { run, from } = await changed();
    expect((await run(["diff", from])).stdout.split("\n")).toEqual([
      "M  a.txt  14 B → 12 B",
      "M  b.bin  2 B → 3 B",
      "A  c.txt  4 B",
      "D  d.txt  2 B",
      "M  run.sh  5 B, mode 644 → 755",
      "",
    ]);
    const { stdout } = await run(["diff", from, "--json"]);
    expect(linesOf<FileChange>(stdout).map(({ change }) => change)).toEqual([
      "modified",
      "modified",
      "added",
      "deleted",
      "modified",
    ]);
    expect(await run(["diff", from, from])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect((await run(["diff"])).stdout).toContain("A  a.txt  12 B\n");
    expect(await run(["diff", "-p", "--json"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("as a patch is what git makes of it", async () => {
    const { run, from } = await changed();
    expect((await run(["diff", from, "--patch"])).stdout).toBe(
      [
        "diff --git a/a.txt b/a.txt",
        "--- a/a.txt",
        "+++ b/a.txt",
        "@@ -1,3 +1,3 @@",
        " one",
        "-two",
        "+2",
        " three",
        "diff --git a/b.bin b/b.bin",
        "Binary files a/b.bin and b/b.bin differ",
        "diff --git a/c.txt b/c.txt",
        "new file mode 100644",
        "--- /dev/null",
        "+++ b/c.txt",
        "@@ -0,0 +1,1 @@",
        "+new",
        "diff --git a/d.txt b/d.txt",
        "deleted file mode 100644",
        "--- a/d.txt",
        "+++ /dev/null",
        "@@ -1,1 +0,0 @@",
        "-x",
        "diff --git a/run.sh b/run.sh",
        "old mode 100644",
        "new mode 100755",
        "",
      ].join("\n"),
    );
  });
});

describe("claude-edge files pull", () => {
  test("fetches a folder with all it holds", async () => {
    const { run, session, cwd } = await having({ "a.txt": "a", "src/deep/b.txt": "b" });
    await session.files.put("run.sh", "exit\n", { mode: 0o755 });
    expect(await run(["pull", "out"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "pulled: 3 files (7 B) into out\n",
    });
    expect(read(cwd, "out/src/deep/b.txt")).toBe("b");
    expect(statSync(join(cwd, "out/run.sh")).mode & 0o111).toBe(0o111);
    expect(readdirSync(join(cwd, "out")).toSorted()).toEqual(["a.txt", "run.sh", "src"]);
    const part = await run(["pull", "part", "--path", "src", "--json"]);
    expect(linesOf(part.stdout)).toEqual([{ files: 1, bytes: 1, skipped: [] }]);
    expect(read(cwd, "part/deep/b.txt")).toBe("b");
  });

  test("overwrites what is there only with --force, and leaves the rest", async () => {
    const { run, cwd } = await having({ "a.txt": "theirs", "b.txt": "b" });
    write(cwd, { "out/a.txt": "mine", "out/mine.txt": "mine" });
    expect(await run(["pull", "out"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There already: a.txt"),
    });
    expect(readdirSync(join(cwd, "out")).toSorted()).toEqual(["a.txt", "mine.txt"]);
    expect(read(cwd, "out/a.txt")).toBe("mine");
    expect(await run(["pull", "out", "--force"])).toMatchObject({ code: 0 });
    expect(read(cwd, "out/a.txt")).toBe("theirs");
    expect(read(cwd, "out/mine.txt")).toBe("mine");
  });

  test("follows no link of this machine out of the folder", async () => {
    const { run, cwd } = await having({ "src/a.txt": "a" });
    mkdirSync(join(cwd, "elsewhere"));
    mkdirSync(join(cwd, "out"));
    symlinkSync(join(cwd, "elsewhere"), join(cwd, "out/src"));
    expect(await run(["pull", "out", "--force"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("src is there, and a link"),
    });
    expect(readdirSync(join(cwd, "elsewhere"))).toEqual([]);
  });

  test("makes links that stay inside", async () => {
    const { run, session, cwd } = await having();
    await session.files.putTar(
      await tarOf([
        { name: "src/a.txt", text: "a" },
        { name: "link", type: "symlink", linkname: "src/a.txt" },
      ]),
    );
    expect(await run(["pull", "out"])).toMatchObject({ code: 0 });
    expect(readlinkSync(join(cwd, "out/link"))).toBe("src/a.txt");
    expect(read(cwd, "out/link")).toBe("a");
  });

  test("a session that there is not leaves nothing behind", async () => {
    const { account, cwd } = await having();
    const result = await cli(account, ["files", "pull", randomUUID(), "out"], { cwd });
    expect(result).toMatchObject({ code: 5, stdout: "" });
    expect(existsSync(join(cwd, "out"))).toBe(false);
  });
});

describe("claude-edge files push", () => {
  test("sends a folder without what can be made again", async () => {
    const { run, session, cwd } = await having({ "old.txt": "old" });
    write(cwd, {
      "project/a.txt": "a",
      "project/src/b.txt": "b",
      "project/.git/HEAD": "ref",
      "project/node_modules/x/index.js": "x",
      "project/src/__pycache__/y.pyc": "y",
      [`project/${"long/".repeat(40)}name.txt`]: "long",
    });
    chmodSync(join(cwd, "project/a.txt"), 0o755);
    symlinkSync("src/b.txt", join(cwd, "project/inside"));
    symlinkSync("/etc/passwd", join(cwd, "project/outside"));
    const { code, stdout, stderr } = await run(["push", "project"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("note: left out outside: it leads out of the folder\n");
    expect(stderr).toMatch(/^pushed: 5 files \(9 B\), \d+ paths changed$/m);
    const entries: FileEntry[] = [];
    for await (const entry of session.files.list("", { recursive: true })) entries.push(entry);
    const files = entries.filter(({ type }) => type !== "directory");
    expect(files.map(({ path }) => path).toSorted()).toEqual(
      [
        ".git/HEAD",
        "a.txt",
        "inside",
        `${"long/".repeat(40)}name.txt`,
        "old.txt",
        "src/b.txt",
      ].toSorted(),
    );
    expect(files.find(({ path }) => path === "a.txt")!.mode).toBe(0o755);
    expect(files.find(({ path }) => path === "inside")).toMatchObject({ target: "src/b.txt" });
  });

  test("sends it into a folder, and comes back as it was", async () => {
    const { run, session, cwd } = await having();
    write(cwd, { "data/a.txt": "a", "data/b.txt": "b".repeat(3_000_000) });
    const { stdout } = await run(["push", "data", "--path", "in/data", "--json"]);
    expect(linesOf(stdout)).toMatchObject([{ files: 2, bytes: 3_000_001 }]);
    expect(await textOf(session, "in/data/a.txt")).toBe("a");
    await run(["pull", "back", "--path", "in/data"]);
    expect(read(cwd, "back/b.txt")).toBe(read(cwd, "data/b.txt"));
    expect(lstatSync(join(cwd, "back/a.txt")).mode).toBe(lstatSync(join(cwd, "data/a.txt")).mode);
  });

  test("what is no folder is refused", async () => {
    const { run, cwd } = await having();
    write(cwd, { "a.txt": "a" });
    for (const folder of ["a.txt", "nope"]) {
      expect(await run(["push", folder])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`${folder} is not a folder`),
      });
    }
  });
});
