/** The bounds of the documentation: a README of one screen that leads to every page, and paragraphs that can be read. */
import { readdirSync, readFileSync } from "node:fs";

const README_LINES = 120;
const PARAGRAPH_CHARS = 400;

const guides = readdirSync("docs").filter((name) => name.endsWith(".md"));
const readme = readFileSync("README.md", "utf8");
const problems = [];

const lines = readme.trimEnd().split("\n").length;
if (lines > README_LINES) problems.push(`README.md: ${lines} lines, ${README_LINES} are the most`);
for (const name of guides) {
  // A page of a dialect is linked from the page of dialects.
  const isListed = readme.includes(`(docs/${name})`) || name.startsWith("dialects-");
  if (!isListed) problems.push(`README.md: docs/${name} is not in the list of pages`);
}

const pages = ["packages/client/README.md", "cli/README.md", "SECURITY.md", "CONTRIBUTING.md"];
for (const path of ["README.md", ...pages, ...guides.map((name) => `docs/${name}`)]) {
  // Pages that are made from tables in the code.
  if (/(parity|troubleshooting)\.md$/.test(path)) continue;
  let isCode = false;
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (line.startsWith("```")) isCode = !isCode;
    if (isCode || line.startsWith("|") || line.length <= PARAGRAPH_CHARS) continue;
    problems.push(
      `${path}:${index + 1}: ${line.length} characters, ${PARAGRAPH_CHARS} are the most`,
    );
  }
}

// What the code has, the pages name.
const named = [
  ["docs/configuration.md", "packages/worker/src/env.ts", /\bCLAUDE_EDGE_[A-Z_]+/g],
  [
    "docs/threat-model.md",
    "tests/attacks/main.ts",
    /(?<=^ {2}"|^const SLOW = ")[^"]+(?=": |";$)/gm,
  ],
];
for (const [page, source, names] of named) {
  const text = readFileSync(page, "utf8");
  for (const name of new Set(readFileSync(source, "utf8").match(names))) {
    if (!text.includes(`\`${name}\``)) problems.push(`${page}: ${name} of ${source} is not in it`);
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
