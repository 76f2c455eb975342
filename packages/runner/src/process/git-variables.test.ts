import { execFileSync } from "node:child_process";

import { expect, test } from "vitest";

import { gitVariables } from "./git-variables.js";

const PLACEHOLDER = "ce_secret_a_00000000000000000000000000000000";
const basic = (user: string) =>
  `Authorization: Basic ${Buffer.from(`${user}:${PLACEHOLDER}`).toString("base64")}`;

/** What git would send with a request to a URL. */
function sentTo(url: string, env: Record<string, string>): string[] {
  const args = ["config", "--get-urlmatch", "http.extraHeader", url];
  try {
    const said = execFileSync("git", args, {
      env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
      encoding: "utf8",
      cwd: "/",
    });
    return said.split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

test("git sends a secret to its repository, and to nothing else", () => {
  const env = gitVariables(
    [
      { url: "https://git.test/team/project.git", secret: "TOKEN" },
      { url: "https://bitbucket.org/team/other", secret: "TOKEN" },
      { url: "https://git.test/team/public" },
      { url: "https://git.test/team/unknown", secret: "UNKNOWN" },
    ],
    { TOKEN: PLACEHOLDER },
  );
  expect(env.GIT_CONFIG_COUNT).toBe("2");
  expect(sentTo("https://git.test/team/project.git/info/refs", env)).toEqual([
    basic("x-access-token"),
  ]);
  expect(sentTo("https://bitbucket.org/team/other", env)).toEqual([basic("x-token-auth")]);
  for (const url of [
    "https://git.test/team/public",
    "https://git.test/team/unknown",
    "https://git.test/team/project.git.evil",
    "http://git.test/team/project.git",
    "https://evil.test/team/project.git",
  ]) {
    expect(sentTo(url, env)).toEqual([]);
  }
});

test("settings that the agent's definition gives git stay", () => {
  const before = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "user.name",
    GIT_CONFIG_VALUE_0: "Ada",
  };
  const repositories = [{ url: "https://git.test/x", secret: "TOKEN" }];
  const env = { ...before, ...gitVariables(repositories, { TOKEN: PLACEHOLDER }, before) };
  const named = execFileSync("git", ["config", "user.name"], {
    env: { PATH: process.env.PATH, ...env },
    encoding: "utf8",
    cwd: "/",
  });
  expect(named.trim()).toBe("Ada");
  expect(sentTo("https://git.test/x", env)).toEqual([basic("x-access-token")]);
});

test("without secrets there is nothing to say", () => {
  expect(gitVariables([{ url: "https://git.test/x" }], {})).toEqual({});
});
