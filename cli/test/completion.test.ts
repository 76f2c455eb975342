import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { useCli } from "./support/run.js";
import { hasTerminal, openTerminal } from "./support/terminal.js";

const { run } = useCli();
const folder = mkdtempSync(join(tmpdir(), "completion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scriptOf = (shell: string) => join(folder, `claude-edge.${shell}`);
const has = (shell: string) => spawnSync(shell, ["-c", "exit"]).status === 0;
for (const shell of ["bash", "zsh", "fish"]) {
  if (!has(shell)) process.stderr.write(`no ${shell} here: its completion is not tested\n`);
}

beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout, stderr } = await run(["completion", shell]);
    if (code !== 0 || stderr) throw new Error(`${shell}: ${code} ${stderr}`);
    writeFileSync(scriptOf(shell), stdout);
  }
});

const FLAGS = [
  "--limit",
  "--all",
  "--tag",
  "--status",
  "--title",
  "--json",
  "--account",
  "--profile",
  "--url",
  "--help",
];

/** What was typed, the last word perhaps in part, and what is offered for it. */
const OFFERS: [typed: string[], offered: string[]][] = [
  [["ses"], ["sessions"]],
  [
    ["sessions", "re"],
    ["resume", "rename", "rewind"],
  ],
  [["sessions", "list", "--"], FLAGS],
  [["help", "sess"], ["sessions"]],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [
    ["query", "--output-format", ""],
    ["text", "json", "stream-json"],
  ],
  [["query", "-c", "--permission-prompts", "h"], ["host"]],
  // The value of a flag is no command.
  [["requests", "list", "--session", "answer", "--sta"], ["--status"]],
  [["requests", "list", "--status", "ans"], ["answered"]],
  [["nonsense", "--vers"], ["--version"]],
];

describe.skipIf(!has("bash"))("bash", () => {
  const complete = (words: string[]) => {
    const ask = `source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _claude_edge; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const args = ["--norc", "-c", ask, "bash", scriptOf("bash"), "claude-edge", ...words];
    const { status, stdout, stderr } = spawnSync("bash", args, { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout.split("\n").filter((word) => word && !/^-\w$/.test(word));
  };

  test.each(OFFERS)("%j: %j", (typed, offered) => {
    expect(complete(typed).toSorted()).toEqual(offered.toSorted());
  });

  test("a value behind an equals sign, which bash takes apart", () => {
    expect(complete(["query", "--output-format", "="])).toEqual(["text", "json", "stream-json"]);
    expect(complete(["query", "--output-format", "=", "te"])).toEqual(["text"]);
  });

  test("is asked for claude-edge", () => {
    const args = ["--norc", "-c", `source "$1"; complete -p claude-edge`, "bash", scriptOf("bash")];
    expect(spawnSync("bash", args, { encoding: "utf8" }).stdout).toContain("-F _claude_edge");
  });
});

describe.skipIf(!has("fish"))("fish", () => {
  test.each(OFFERS)("%j: %j", (typed, offered) => {
    const ask = `source '${scriptOf("fish")}'; complete -C '${["claude-edge", ...typed].join(" ")}'`;
    const env = { PATH: process.env.PATH!, HOME: folder };
    const { status, stdout, stderr } = spawnSync("fish", ["-N", "-c", ask], {
      encoding: "utf8",
      env,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const words = stdout.split("\n").map((line) => line.split("\t", 1)[0]!);
    expect(words.filter((word) => word && !/^-\w$/.test(word)).toSorted()).toEqual(
      offered.toSorted(),
    );
  });
});

describe.skipIf(!has("zsh") || !hasTerminal)("zsh", () => {
  test("completes what is typed in a terminal, and lists what there is to choose", async () => {
    const env = { HOME: folder, PATH: process.env.PATH! };
    const shell = openTerminal(["-f", "-i"], { env, cwd: folder, program: ["zsh"] });
    const say = `claude-edge() { print -r -- "got: $*" }`;
    shell.type(
      `autoload -Uz compinit; compinit -D -u; source ${scriptOf("zsh")}; ${say}; echo up''on\n`,
    );
    await shell.shows("upon");
    for (const [typed, completed] of [
      ["sessions sh", "sessions show"],
      ["query --output-format j", "query --output-format json"],
      ["sessions list --al", "sessions list --all"],
      ["requests list --session answer --sta", "requests list --session answer --status"],
    ]) {
      shell.type(`claude-edge ${typed}\t\n`);
      await shell.shows(`got: ${completed}`);
    }
    shell.type("claude-edge sessions re\t");
    await shell.shows("-- give a session another title");
    shell.type("\u0015exit\n");
    expect(await shell.ended).toBe(0);
  });
});

test("a shell that there is none for is refused with those there are", async () => {
  expect(await run(["completion", "tcsh"])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("bash, zsh, fish"),
  });
  expect(await run(["completion"])).toMatchObject({ code: 2, stdout: "" });
});
