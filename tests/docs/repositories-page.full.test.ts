import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { mintToken } from "@claude-edge/client/tokens";
import { errorPolicy, isErrorCode } from "@claude-edge/protocol";
import { afterAll, expect, test } from "vitest";

import { startPrivateGit } from "../support/private-git.js";
import { useOwnStack } from "../support/stack.js";
import { shell, useFolder } from "./files-page.js";
import { snippetsOf, tableOf } from "./markdown.js";
import { ROOT, runNode } from "./run.js";

const TOKEN = "ghp_the-token-of-the-docs";
const names = ["team/project", "honojs/hono"];
const git = await startPrivateGit({ names, open: ["honojs/hono"], token: TOKEN });
afterAll(() => git.close());

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({ type: "limited", allowed_hosts: ["github.com"] }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify({ "github.com": git.origin }),
  },
});
const folder = useFolder();
const page = readFileSync(join(ROOT, "docs/repositories.md"), "utf8");
const deployment = () => ({
  CLAUDE_EDGE_URL: edge.stack.url,
  CLAUDE_EDGE_TOKEN: edge.stack.token,
});

const inProject = (command: string) =>
  `%tool Bash ${JSON.stringify({ command: `cd project && ${command}` })}\n%say Done.`;

test("the lines with the CLI do what they say", async () => {
  const [lines = ""] = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code!);
  expect(lines).toContain("claude-edge chat");
  // A chat needs a terminal; a query takes the same flags.
  const script = lines
    .replace("claude-edge chat", "claude-edge query '%say Hello.'")
    .replace('"What is new in here?"', "'%say Nothing.'");
  const printed = await shell(`pass() { echo ${TOKEN}; }\n${script}`, edge, folder, deployment());
  expect(printed).toContain("Hello.\n");
  expect(printed).toContain("Nothing.\n");
});

test("the program does what it says", async () => {
  const [{ code } = { code: "" }] = snippetsOf(page);
  const push = "git switch -qc fix && git push -q origin fix";
  const input = code.replace(/"Fix the first[^"]*"/, JSON.stringify(inProject(push)));
  const env = { ...deployment(), GITHUB_TOKEN: TOKEN, NO_COLOR: "1" };
  const ran = await runNode(["--input-type=module-typescript"], { input, env });
  const pushed = execFileSync("git", ["-C", join(git.folder, "team/project"), "rev-parse", "fix"]);
  const commit = pushed.toString().trim();
  expect(ran).toEqual({ code: 0, printed: `cloning project \ncloned project ${commit}\n` });
});

test("the example checks itself", async () => {
  const token = await mintToken({ rootKey: edge.stack.token, account: "repository-example" });
  const env = {
    CLAUDE_EDGE_URL: edge.stack.url,
    CLAUDE_EDGE_TOKEN: token,
    REPOSITORY_URL: "https://github.com/team/project",
    REPOSITORY_TOKEN: TOKEN,
  };
  const { code, printed } = await runNode(["examples/private-repository.ts"], { env });
  expect({ code, printed }).toEqual({ code: 0, printed });
  expect(printed).not.toContain(TOKEN);
});

test("the table names codes that there are, each with a way out", () => {
  const codes = tableOf(page, "code").map(([code = ""]) => code);
  expect(codes.length).toBeGreaterThan(5);
  for (const code of codes) {
    expect(code).toSatisfy(isErrorCode);
    expect(errorPolicy(code).suggestion).toBeTruthy();
  }
});
