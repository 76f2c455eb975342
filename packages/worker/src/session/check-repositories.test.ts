import { expect, test } from "vitest";

import type { Env } from "../env.js";
import { assertRepositories } from "./check-repositories.js";

const PRIVATE = JSON.stringify({ "git.corp": "http://10.0.0.5:3000" });
const env = { CLAUDE_EDGE_PRIVATE_HOSTS: PRIVATE } as unknown as Env;

test("plain HTTP is for private hosts alone", () => {
  const check = (...urls: string[]) =>
    assertRepositories(env, { repositories: urls.map((url) => ({ url })) });
  check("https://git.test/x", "http://git.corp/x", "http://GIT.corp./y");
  expect(() => check("https://git.test/x", "http://git.test/y")).toThrow("repositories.1.url");
  expect(() => check("http://git.corp.evil.test/x")).toThrow(/must begin with https/);
  assertRepositories(env, {});
});

test("a host of a private network must be named by the operator", () => {
  const check = (url: string) => () => assertRepositories(env, { repositories: [{ url }] });
  for (const host of ["localhost", "127.0.0.1", "[::1]", "10.0.0.5:3000", "git.internal"]) {
    expect(check(`https://${host}/x`)).toThrow(/CLAUDE_EDGE_PRIVATE_HOSTS/);
  }
  check("https://git.corp/x")();
});
