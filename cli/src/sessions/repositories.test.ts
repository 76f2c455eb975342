import { expect, test } from "vitest";

import { sessionOptionsOf } from "./flags.js";
import { repositoriesOf, repositoryNote } from "./repositories.js";

test("--repo names a repository, with a ref behind #", () => {
  expect(repositoriesOf({})).toBeUndefined();
  const repo = ["https://git.test/a", "https://git.test/b.git#topic/one"];
  expect(repositoriesOf({ repo, repoSecret: "TOKEN", repoDepth: 1 })).toEqual([
    { url: "https://git.test/a", secret: "TOKEN", depth: 1 },
    { url: "https://git.test/b.git", ref: "topic/one", secret: "TOKEN", depth: 1 },
  ]);
});

test.each([
  [{ repo: ["ssh://git.test/a"] }, "--repo: must be an https URL"],
  [{ repo: ["https://git.test/a#-u"] }, "--repo: must be a branch"],
  [{ repo: ["https://git.test/a", "https://git.test/a"] }, "--repo: must be apart"],
  [{ repo: ["https://git.test/a"], repoSecret: "a b" }, "--repo-secret: must be the name"],
  [{ repo: ["https://git.test/a"], repoDepth: 1e9 }, "--repo-depth: must be a whole number"],
  [{ repoSecret: "TOKEN" }, "--repo-secret and --repo-depth go with --repo"],
])("%j says what is wrong", (flags, message) => {
  expect(() => sessionOptionsOf(flags)).toThrow(message);
});

test("people are told what is waited for, in one line", () => {
  const event = { seq: 1, at: 1, turn_id: "t", kind: "repository", path: "a" } as const;
  const url = "https://git.test/a";
  expect(repositoryNote({ ...event, url, status: "cloning" })).toBe(
    "note: cloning https://git.test/a into a\n",
  );
  expect(repositoryNote({ ...event, url, status: "cloned" })).toBe("");
});
