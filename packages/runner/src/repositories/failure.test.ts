import { toWireError } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { failureOf } from "./failure.js";

const repository = { url: "https://git.test/team/project.git", ref: "main", secret: "TOKEN" };

describe("what git says is told by its meaning", () => {
  test.each([
    ["repository_not_found", "fatal: repository 'https://git.test/team/project.git/' not found"],
    [
      "repository_not_found",
      "fatal: https://git.test/x/info/refs not valid: is this a git repository?",
    ],
    ["repository_not_found", "error: The requested URL returned error: 410"],
    [
      "repository_unauthorized",
      "remote: Invalid\nfatal: Authentication failed for 'https://git.test/'",
    ],
    [
      "repository_unauthorized",
      "fatal: could not read Username for 'https://git.test': terminal prompts disabled",
    ],
    [
      "repository_unauthorized",
      "fatal: unable to access 'https://git.test/': The requested URL returned error: 403",
    ],
    [
      "repository_ref_not_found",
      "warning: Could not find remote branch x to clone.\nfatal: Remote branch x not found in upstream origin",
    ],
    ["repository_ref_not_found", "fatal: remote error: upload-pack: not our ref 0000"],
    [
      "repository_ref_not_found",
      "error: Server does not allow request for unadvertised object 0000",
    ],
    [
      "repository_unreachable",
      "fatal: unable to access 'https://git.test/': Could not resolve host: git.test",
    ],
    ["repository_unreachable", "error: RPC failed; curl 56\nfatal: early EOF"],
    [
      "repository_unreachable",
      "fatal: unable to access 'https://git.test/': The requested URL returned error: 503",
    ],
    ["repository_unreachable", ""],
    ["disk_full", "fatal: write error: No space left on device"],
  ])("%s: %s", (code, stderr) => expect(failureOf(repository, stderr).code).toBe(code));
});

test("the gateway's way out is passed on", () => {
  const stderr = `remote: claude-edge: git.test is not reachable from this container: the account's network policy does not allow it. To allow it: claude-edge network allow git.test
fatal: unable to access 'https://git.test/team/project.git/': The requested URL returned error: 403`;
  const { code, message, details } = toWireError(failureOf(repository, stderr));
  expect(code).toBe("repository_unreachable");
  expect(message).toContain("To allow it: claude-edge network allow git.test");
  expect(details).toEqual({ ...repository, host: "git.test" });
});

test("what a host says is one short line", () => {
  const stderr = `\u001b[2Jremote: hm\nfatal: \u001b[31m${"x".repeat(5_000)}\u0007\n`;
  const { message } = failureOf(repository, stderr);
  expect(message).not.toMatch(/\p{Cc}/u);
  expect(message.length).toBeLessThan(700);
});

test("with a secret and without, the error says which", () => {
  const refused = "fatal: Authentication failed for 'https://git.test/'";
  expect(failureOf(repository, refused).message).toContain("with the secret TOKEN");
  expect(failureOf({ url: repository.url }, refused).message).toContain("no secret is named");
});
