/** Each `ts` block of the documentation compiles. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { snippetsOf, tableOf } from "./markdown.js";
import { ROOT, typeCheck } from "./run.js";

const CLIENT = "packages/client/README.md";
const guides = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
const pages = ["README.md", CLIENT, ...guides.map((name) => `docs/${name}`)];
const textOf = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Names that a snippet may use without declaring them. */
const AMBIENT = {
  edge: `declare const edge: import("@claude-edge/client").ClaudeEdge;`,
  session: `declare const session: import("@claude-edge/client").Session;`,
  token: `declare const token: string;`,
  turnId: `declare const turnId: string;`,
  book: `declare const book: () => Promise<{ content: { type: "text"; text: string }[] }>;`,
  defineAgent: `import { defineAgent } from "@claude-edge/runner";`,
};

/** Those that it uses, and neither declares nor imports. */
const preludeOf = (code: string) =>
  Object.entries(AMBIENT)
    .filter(([name]) => new RegExp(`(?<![.\\w])${name}\\b(?!:)`).test(code))
    .filter(([name]) => !new RegExp(`(const|import) (\\{[^}]*\\b)?${name}\\b`).test(code))
    .map(([, declaration]) => declaration);

const snippets = pages.flatMap((path) =>
  snippetsOf(textOf(path)).map(({ line, code }) => ({
    file: `${path.replaceAll("/", ".")}.${line}.mts`,
    isOfWorker: code.includes('"@claude-edge/worker"'),
    // Lines are counted as in the page, so that an error names the right one.
    code: ["\n".repeat(line - 1) + code, ...preludeOf(code), "export {};"].join("\n"),
  })),
);

/** Type-checks programs in a folder of their own. */
async function check(name: string, programs: { file: string; code: string }[], project: object) {
  const folder = join(ROOT, "node_modules/.cache", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { file, code } of programs) writeFileSync(join(folder, file), code);
  const files = programs.map(({ file }) => file);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ files, ...project }));
  expect(await typeCheck(folder)).toEqual({ code: 0, printed: "" });
}

test("the snippets fit the packages' types, and so do the examples", async () => {
  const options = tableOf(textOf(CLIENT), "option").map(([name]) => `${name}: true`);
  const table = {
    file: "options.mts",
    code: `import type { ClientOptions } from "@claude-edge/client";
export const table: Record<keyof ClientOptions, true> = { ${options.join(", ")} };`,
  };
  const programs = snippets.filter(({ isOfWorker }) => !isOfWorker);
  expect(programs.length).toBeGreaterThan(40);
  await check("claude-edge-docs", [...programs, table], {
    extends: join(ROOT, "tests/tsconfig.json"),
    compilerOptions: { typeRoots: [join(ROOT, "node_modules/@types")] },
    include: [join(ROOT, "examples")],
  });
});

test("what a page shows of a Worker fits workerd's types", async () => {
  const programs = snippets.filter(({ isOfWorker }) => isOfWorker);
  expect(programs).not.toEqual([]);
  await check("claude-edge-docs-worker", programs, {
    extends: join(ROOT, "cli/template/tsconfig.json"),
  });
});
