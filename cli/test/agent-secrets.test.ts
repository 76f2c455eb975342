import { expect, test } from "vitest";

import { useStack } from "../../tests/support/stack.js";
import { useCli, type RunOptions } from "./support/run.js";

const stack = useStack();
const { run } = useCli();

const cli = (account: string, args: string[], options: RunOptions = {}) =>
  run(["secrets", ...args, "--account", account], {
    ...options,
    env: { CLAUDE_EDGE_URL: stack.stack.url, CLAUDE_EDGE_TOKEN: stack.stack.token },
  });

test("a secret of agents is set from a pipe, listed without its value, and deleted", async () => {
  const account = "cli-secrets";
  const hosts = ["--host", "fal.run", "--host", "*.fal.run"];
  const set = await cli(account, ["set", "FAL_KEY", ...hosts], { input: "marked value\n" });
  expect(set).toEqual({ code: 0, stdout: "", stderr: "FAL_KEY is set for the account\n" });
  const places = ["--header", "X-Key", "--query"];
  await cli(account, ["set", "OTHER", "--host", "api.example.com:8443", ...places], { input: "v" });

  const listed = await cli(account, ["list"]);
  expect({ ...listed, stdout: "" }).toEqual({ code: 0, stdout: "", stderr: "" });
  const today = new Date().toISOString().slice(0, 10);
  expect(listed.stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
    ["NAME", "WHOSE", "HOSTS", "SET"],
    ["FAL_KEY", "the account", "fal.run *.fal.run", today],
    ["OTHER", "the account", "api.example.com:8443", today],
    [""],
  ]);
  const json = await cli(account, ["list", "--json"]);
  const lines = json.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(lines).toMatchObject([
    { name: "FAL_KEY", scope: "account", in: { header: true } },
    { name: "OTHER", in: { header: "X-Key", query: true } },
  ]);
  expect(json.stdout + listed.stdout).not.toContain("marked");

  expect(await cli(account, ["delete", "FAL_KEY"])).toMatchObject({
    code: 0,
    stderr: "FAL_KEY is gone\n",
  });
  expect(await cli(account, ["delete", "FAL_KEY"])).toMatchObject({ code: 5, stdout: "" });
});

test("those of a session are listed by its id", async () => {
  const secrets = { KEY: { value: "v", hosts: ["api.example.com"] } };
  const { id } = await stack.client("cli-secrets").sessions.create({ secrets });
  const { stdout } = await cli("cli-secrets", ["list", "--session", id]);
  expect(stdout).toContain(`KEY   session ${id}`);
});

test.each<[what: string, args: string[], input: string | undefined, code: number, message: string]>(
  [
    ["no host", ["set", "FAL_KEY"], "v", 2, "--host api.example.com"],
    ["every host", ["set", "FAL_KEY", "--host", "*"], "v", 2, "every host there is"],
    ["no value", ["set", "FAL_KEY", "--host", "fal.run"], "\n", 2, "There is nothing"],
    ["lines", ["set", "FAL_KEY", "--host", "fal.run"], "marked\nmarked", 2, "line breaks"],
    ["100 kB", ["set", "FAL_KEY", "--host", "fal.run"], "marked".repeat(17_000), 2, "64 KiB"],
    ["a variable of ours", ["set", "PATH", "--host", "fal.run"], "marked", 2, "a meaning already"],
    ["one of the Worker's", ["set", "ANTHROPIC_API_KEY"], "v", 2, "it takes no --account"],
    [
      "a value as an argument",
      ["set", "FAL_KEY", "v4lue", "--host", "x.y"],
      "v",
      2,
      "never an argument",
    ],
    ["--local", ["set", "FAL_KEY", "--host", "fal.run", "--local"], "v", 2, "without --local"],
    ["--generate", ["set", "FAL_KEY", "--host", "fal.run", "--generate"], "v", 2, "--generate"],
  ],
)("%s is refused", async (_what, args, input, code, message) => {
  const result = await cli("cli-secrets-bad", args, input === undefined ? {} : { input });
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toContain(message);
  expect(result.stderr).not.toContain("marked");
});
