import { describe, expect, test } from "vitest";

import { sessionOptions } from "./options.js";
import { repositoryPath } from "./repositories.js";

const URL_ = "https://git.test/team/project.git";
/** What is said of options that are refused; empty when they are taken. */
const said = (repositories: unknown) =>
  (sessionOptions.safeParse({ repositories }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join(".")} ${message}`,
  );

test("repositories that can be cloned are taken as they are", () => {
  const repositories = [
    { url: URL_ },
    { url: "https://git.test:8443/other", ref: "v1.0", path: "deep/er", depth: 1, secret: "TOKEN" },
    { url: "http://git.corp/x", ref: "feature/a-b_c" },
    { url: "https://git.test/more.git/", ref: "0".repeat(40) },
  ];
  expect(sessionOptions.parse({ repositories })).toEqual({ repositories });
});

describe("a URL is refused", () => {
  test.each([
    "file:///etc",
    "ssh://git@git.test/x",
    "git@git.test:team/x.git",
    "ext::sh -c id",
    "git://git.test/x",
    "-u./evil",
    "--upload-pack=id",
    "https:git.test/x",
    "https:///x",
    "https://",
    "/etc",
    "",
    "https://git.test/a b",
    "https://git.test/a\nb",
    "https://git.test\\@evil.test/x",
    `https://git.test/${"x".repeat(2_000)}`,
    "https://git.test/x?token=1",
    "https://git.test/x#main",
  ])("%s", (url) =>
    expect(said([{ url }]).join()).toMatch(/^repositories\.0\.url|^0\.url|url must/),
  );

  test("that holds a token, without saying it", () => {
    const [message] = said([{ url: "https://me:ghp_secret@git.test/x" }]);
    expect(message).toContain("name a secret");
    expect(message).not.toContain("ghp_secret");
  });
});

test.each([
  "-u",
  "--upload-pack=id",
  "",
  "a..b",
  "a b",
  "a:b",
  "a~1",
  "HEAD^",
  "x@{1}",
  "a/",
  "/a",
  ".a",
  "a/.b",
  "a.lock",
  "a\u0000",
  "a\\b",
  "x".repeat(256),
  "x".repeat(1_000_000),
])("a ref is refused: %.20s", (ref) =>
  expect(said([{ url: URL_, ref }]).join()).toContain("ref must"),
);

test.each([
  ["../x", "relative|have"],
  ["/x", "relative"],
  ["a/../../b", "have"],
  [".", "have"],
  ["", "empty"],
  [".git", '.git" in it'],
  ["a/.GIT/hooks", '.git" in it'],
  ["node_modules/x", "node_modules"],
  ["x".repeat(300), "bytes"],
])("a path is refused: %.20s", (path, why) =>
  expect(said([{ url: URL_, path }]).join()).toMatch(new RegExp(`path must .*(${why})`)),
);

test.each([
  "https://git.test/",
  "https://git.test",
  "https://git.test/.git",
  "https://git.test/venv",
  "https://git.test/a%2Fb",
])("%s names no folder", (url) => expect(said([{ url }]).join()).toContain("unless it is given"));

test.each([0, -1, 1.5, 1e9, "1"])("a depth is refused: %s", (depth) =>
  expect(said([{ url: URL_, depth }]).join()).toContain("depth must"),
);

test("repositories are apart from one another, and few", () => {
  expect(said([{ url: URL_ }, { url: "https://other.test/project" }]).join()).toContain(
    '"project"',
  );
  expect(said([{ url: URL_ }, { url: URL_, path: "project/inner" }]).join()).toContain("apart");
  expect(
    said([
      { url: URL_, path: "a/b" },
      { url: URL_, path: "a" },
    ]).join(),
  ).toContain("apart");
  expect(said([{ url: URL_ }, { url: URL_, path: "project2" }])).toEqual([]);
  const many = Array.from({ length: 100 }, (_, index) => ({ url: URL_, path: `p${index}` }));
  expect(said(many).join()).toContain("must be 20 at most");
  expect(said([{ url: URL_, branch: "main" }])).toHaveLength(1);
});

test("the folder is the repository's name", () => {
  expect(repositoryPath({ url: URL_ })).toBe("project");
  expect(repositoryPath({ url: "https://git.test/a%20b.git/" })).toBe("a b");
  expect(repositoryPath({ url: "https://git.test/100%/x%zz" })).toBe("x%zz");
  expect(repositoryPath({ url: URL_, path: "src/it" })).toBe("src/it");
});
