import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { answerGit, makeRepository } from "../../../../tests/support/git-server.js";
import { clone } from "./clone.js";

const root = mkdtempSync(join(tmpdir(), "clone-"));
const served = join(root, "served");
const folder = join(root, "made/here");
const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();

let isSilent = false;
const server = createServer((request, response) => {
  if (request.url?.startsWith("/private")) {
    return void response.writeHead(401, { "www-authenticate": "Basic" }).end();
  }
  if (!isSilent || request.method === "GET") answerGit(served, request, response);
});
let origin: string;
/** The commits of project.git's main, oldest first. */
const commits: string[] = [];

beforeAll(async () => {
  execFileSync("mkdir", [served]);
  makeRepository(served, "project.git", "First.\n");
  git("init", "--quiet", "--bare", join(served, "empty.git"));
  const work = join(root, "work");
  git("clone", "--quiet", join(served, "project.git"), work);
  const commit = (message: string) =>
    git(
      "-C",
      work,
      "-c",
      "user.name=A",
      "-c",
      "user.email=a@test",
      "commit",
      "--quiet",
      "--allow-empty",
      "-m",
      message,
    );
  commit("Second");
  git("-C", work, "tag", "v1");
  git("-C", work, "push", "--quiet", "origin", "main", "v1", "main:refs/heads/topic/one");
  commit("Third");
  git("-C", work, "push", "--quiet", "origin", "main");
  commits.push(...git("-C", work, "rev-list", "--reverse", "main").split("\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  isSilent = false;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const env = { PATH: process.env.PATH!, HOME: root };
const HOW = { env, niceness: 0, silenceMs: 60_000 };
const LIMITS = { bytes: 1e9, files: 1_000 };
const make = (
  more: { ref?: string; depth?: number } = {},
  { name = "project.git", signal = new AbortController().signal, limits = LIMITS } = {},
) => clone({ url: `${origin}/${name}`, ...more }, folder, { ...HOW, signal }, limits);
const inClone = (...args: string[]) => git("-C", folder, ...args);

describe("a repository is cloned", () => {
  test("with all of its history, on its default branch, clean and with nothing of ours in it", async () => {
    expect(await make()).toBe(commits[2]);
    expect(inClone("rev-list", "--count", "HEAD")).toBe("3");
    expect(inClone("status", "--porcelain", "--branch")).toBe("## main...origin/main");
    expect(inClone("branch", "--remotes")).toContain("origin/topic/one");
    expect(readFileSync(join(folder, "README.md"), "utf8")).toBe("First.\n");
    expect(inClone("remote", "get-url", "origin")).toBe(`${origin}/project.git`);
    expect(inClone("config", "--local", "--list")).not.toMatch(/extraheader|protocol|lowspeed/i);
  });

  test.each([
    ["a branch", { ref: "topic/one" }, 1, "2", "topic/one"],
    ["a tag", { ref: "v1" }, 1, "2", "HEAD"],
    ["the newest commit alone", { depth: 1 }, 2, "1", "main"],
    ["two commits of a branch", { ref: "main", depth: 2 }, 2, "2", "main"],
  ])("%s", async (_what, more, at, count, head) => {
    expect(await make(more)).toBe(commits[at]);
    expect(inClone("rev-list", "--count", "HEAD")).toBe(count);
    expect(inClone("rev-parse", "--abbrev-ref", "HEAD")).toBe(head);
    expect(inClone("status", "--porcelain")).toBe("");
  });

  test.each([undefined, 1])("a commit, with depth %s", async (depth) => {
    const ref = commits[0]!.toUpperCase();
    expect(await make({ ref, ...(depth ? { depth } : {}) })).toBe(commits[0]);
    expect(inClone("rev-parse", "HEAD")).toBe(commits[0]);
    expect(inClone("status", "--porcelain")).toBe("");
  });

  test("without commits", async () => {
    expect(await make({}, { name: "empty.git" })).toBeUndefined();
    expect(existsSync(join(folder, ".git/HEAD"))).toBe(true);
  });
});

describe("it is refused", () => {
  test.each([
    ["repository_not_found", {}, "none.git"],
    ["repository_unauthorized", {}, "private.git"],
    ["repository_ref_not_found", { ref: "none" }, "project.git"],
    ["repository_ref_not_found", { ref: "0".repeat(40) }, "project.git"],
    ["repository_ref_not_found", { ref: "0".repeat(40), depth: 1 }, "project.git"],
  ])("%s: %j", async (code, more, name) => {
    await expect(make(more, { name })).rejects.toMatchObject({ code });
  });

  test("where nothing listens", async () => {
    const repository = { url: "http://127.0.0.1:9/x" };
    const { signal } = new AbortController();
    await expect(clone(repository, folder, { ...HOW, signal }, LIMITS)).rejects.toMatchObject({
      code: "repository_unreachable",
    });
  });

  test("with more bytes or files than there may be, before they are written", async () => {
    const tooLarge = { code: "repository_too_large" };
    await expect(make({}, { limits: { bytes: 3, files: 9 } })).rejects.toMatchObject(tooLarge);
    await expect(make({}, { limits: { bytes: 1e9, files: 0 } })).rejects.toMatchObject(tooLarge);
    expect(existsSync(join(folder, "README.md"))).toBe(false);
  });
});

test("a host that says nothing is not waited for", async () => {
  isSilent = true;
  const { signal } = new AbortController();
  const repository = { url: `${origin}/project.git` };
  const made = clone(repository, folder, { ...HOW, silenceMs: 1_000, signal }, LIMITS);
  await expect(made).rejects.toMatchObject({ code: "repository_unreachable" });
});

test("one that is stopped ends at once, and the next begins in a clean folder", async () => {
  isSilent = true;
  const controller = new AbortController();
  const reason = new Error("stopped");
  setTimeout(() => controller.abort(reason), 500);
  await expect(make({}, { signal: controller.signal })).rejects.toBe(reason);
  isSilent = false;
  expect(await make()).toBe(commits[2]);
});
