import { EXIT } from "@claude-edge/protocol";
import { beforeAll, describe, expect, test } from "vitest";

import { useCli } from "./support/run.js";

const { run } = useCli();

interface Told {
  path: string[];
  help: string;
  children: string[];
  options: string[];
}

/** The words at the beginning of the lines of a help's sections. */
function wordsIn(help: string, isWanted: (heading: string) => boolean): string[] {
  const [, ...sections] = help.split(/^(?=\S.*:$)/m);
  return sections
    .filter((section) => isWanted(section.split(":", 1)[0]!))
    .flatMap((section) => [...section.matchAll(/^ {2}(\S+)/gm)].map(([, word]) => word!));
}

const NO_COMMANDS = new Set(["Arguments", "Options", "Examples", "Exit codes"]);

/** Every command that the program's help leads to. */
async function walk(path: string[] = []): Promise<Told[]> {
  const { code, stdout: help, stderr } = await run([...path, "--help"]);
  expect({ path, code, stderr }).toEqual({ path, code: 0, stderr: "" });
  const children = wordsIn(help, (heading) => !NO_COMMANDS.has(heading)).filter(
    (word) => word !== "help",
  );
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, word]) => word!);
  const told: Told[] = [{ path, help, children, options }];
  for (const child of children) told.push(...(await walk([...path, child])));
  return told;
}

let commands: Told[];
beforeAll(async () => {
  commands = await walk();
}, 60_000);

/** Two letters in the wrong order, as fingers do it. */
const mistyped = (word: string) => word.replace(/(\w)(\w)(\w*)$/, "$2$1$3");

describe("the help of every command", () => {
  test("is reached from that of the program", () => {
    const paths = commands.map(({ path }) => path.join(" "));
    expect(paths).toEqual(expect.arrayContaining(["query", "requests answer", "sessions events"]));
  });

  test("has examples, and they begin with the command", () => {
    for (const { path, help } of commands.filter((command) => command.path.length > 0)) {
      const words = ["claude-edge", ...path].join(" ");
      const [before, after = ""] = help.split(/^Examples:$/m);
      expect({ words, after }).toEqual({ words, after: expect.stringContaining(words) });
      expect(before).toContain(words);
    }
  });

  test("is the same by -h and by help", async () => {
    for (const { path, help } of commands.filter((command) => command.path.length === 1)) {
      expect((await run([...path, "-h"])).stdout).toBe(help);
      expect((await run(["help", ...path])).stdout).toBe(help);
    }
  });

  test("names options that its examples use", () => {
    for (const { path, help } of commands.filter(({ children }) => children.length === 0)) {
      const used = help
        .split(/^Examples:$/m)[1]!
        .split("\n")
        .filter((line) => line.trim().startsWith(["claude-edge", ...path].join(" ")));
      const named = used.flatMap((line) => line.split("|", 1)[0]!.match(/ --[\w-]+/g) ?? []);
      for (const option of named) expect(help).toMatch(new RegExp(`^ .*${option}\\b`, "m"));
    }
  });
});

describe("what is mistyped", () => {
  test("a command: what was meant, on standard error, and 2", async () => {
    for (const { path, children } of commands) {
      for (const child of children) {
        const result = await run([...path, mistyped(child)]);
        expect(result, `${path.join(" ")} ${mistyped(child)}`).toMatchObject({
          code: EXIT.usage,
          stdout: "",
        });
        expect(result.stderr).toContain(`Did you mean ${child}?`);
      }
    }
  }, 60_000);

  test("an option: likewise", async () => {
    // `stdio` takes the flags of `claude`, and fails as that does.
    for (const { path, options, help } of commands.filter(
      ({ path: [first] }) => first !== "stdio",
    )) {
      const option = options.find((name) => name !== "--help")!;
      const needed = help.split("\n", 1)[0]!.match(/ </g) ?? [];
      const args = [...path, ...needed.map(() => "x"), mistyped(option ?? "--help")];
      const result = await run(args);
      expect({ args, ...result }).toMatchObject({ args, code: EXIT.usage, stdout: "" });
      expect(result.stderr).toContain(`Did you mean ${option ?? "--help"}?`);
    }
  }, 60_000);

  test("a command that the default one would take for its own", async () => {
    expect(await run(["sessions", "nothing-like-it"])).toMatchObject({
      code: EXIT.usage,
      stdout: "",
      stderr: expect.stringContaining("unknown command 'nothing-like-it'"),
    });
  });
});

test("the exit codes are those of the one table", () => {
  const listed = [...commands[0]!.help.split("Exit codes:")[1]!.matchAll(/^ +(\d+) {2}\S/gm)];
  expect(listed.map(([, code]) => Number(code))).toEqual(Object.values(EXIT));
});
