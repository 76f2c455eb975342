import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

import * as client from "@claude-edge/client";
import { mintToken } from "@claude-edge/client/tokens";
import { errorPolicy, isErrorCode } from "@claude-edge/protocol";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import { useStack } from "../support/stack.js";
import { snippetsOf, tableOf, type Snippet } from "./markdown.js";
import { ROOT } from "./run.js";

const CLIENT = "packages/client/README.md";
const pages = Object.fromEntries(
  ["README.md", CLIENT].map((path) => [path, readFileSync(join(ROOT, path), "utf8")]),
);

/** What the scripted model is to make of a prompt. */
const SCRIPTS: Record<string, string> = {
  "What is 2+2?": "%say It is 4.",
  "Tell me a story.": "%say Once upon a time.",
  "Which files are here?": '%tool Bash {"command":"ls"}\n%say No files.',
  "Write the report.": "%say First.\n%wait 300\n%say Last.",
  "Sum up data/sales.csv in summary.md.":
    '%tool Bash {"command":"echo Three in May. > summary.md"}\n%say It is done.',
  "Review this page.": "%say It is fine.",
  "Write a plan.": '%tool Bash {"command":"echo First things first. > plan.md"}\n%say There.',
  "Throw the plan away.": '%tool Bash {"command":"rm plan.md"}\n%say Gone.',
  "Count to a million.": "%say One.\n%wait 60000\n%say Two.",
  "Delete the old logs.": '%tool Bash {"command":"touch old.log"}\n%say They are gone.',
  "Book a table for four.": '%tool mcp__desk__book {"people":4}\n%say It is booked.',
  "Tell me what you must not tell.": "%refuse",
};

/** What the snippets under each heading print, in order: parts of it. */
const PRINTS: Record<string, string[][]> = {
  "Use it": [["Once upon a time.", "earlier you said “My name is Ada.”"]],
  "Ask and await the answer": [["It is 4."]],
  "Stream the text": [["Once upon a time."]],
  "Read the events": [["running", "assistant", "completed", "No files."], ["Last."]],
  "Keep a conversation": [
    ["earlier you said “My name is Ada.”", "About Ada idle"],
    [" message", " turn"],
  ],
  "Work with a session's files": [["data/sales.csv 16", "summary.md 14", "14 Three in May."]],
  "Attach files to a prompt": [["It is fine."]],
  "Go back to an earlier turn": [["deleted plan.md", "First things first."]],
  "Stop a turn, or stop waiting for it": [["running", "interrupted"], []],
  "Get structured output": [["text 1"], ["{ name: 'text' }"]],
  "Approve what the agent does": [
    ["Bash { command:", "They are gone."],
    ["Bash { command:", "They are gone."],
  ],
  "Run a program written for the Agent SDK": [["PostToolUse", "It is booked."]],
  "Handle errors": [["model_refused", "failed"], ["Last."]],
  "Give out tokens": [["It is 4.", "undefined [ 'query' ] 20"]],
  "See and erase accounts": [["1 "]],
  "Count what was used": [["claude-", "in all 1"]],
  "Hold an account to its limits": [["0.5 1"]],
  "Set up the client": [["/v1/query 200"]],
};

const runnable = ["README.md", CLIENT].flatMap((path) =>
  snippetsOf(pages[path]!).flatMap((snippet) =>
    snippet.isFragment ? [] : [{ ...snippet, page: path }],
  ),
);

/** Lines as they are counted in the page, so that what is said of a snippet names the right one. */
const inPlace = ({ line, code }: Snippet) => "\n".repeat(line - 1) + code;

const local = useStack();
const ACCOUNT = "docs-snippets";

describe("the snippets", () => {
  it("have what they print listed here, and prompts that are scripted", () => {
    const counts = (headings: string[]) => Object.groupBy(headings, (heading) => heading);
    const listed = Object.entries(PRINTS).flatMap(([heading, of]) => of.map(() => heading));
    expect(counts(runnable.map(({ heading }) => heading))).toEqual(counts(listed));
    for (const prompt of Object.keys(SCRIPTS)) expect(pages[CLIENT]).toContain(`"${prompt}"`);
  });
});

/** The snippet as it is run here: its prompts are scripts, its accounts are no other file's. */
const runnableCode = (snippet: Snippet) =>
  Object.entries(SCRIPTS)
    .reduce(
      (code, [prompt, script]) => code.replaceAll(`"${prompt}"`, JSON.stringify(script)),
      inPlace(snippet),
    )
    .replaceAll(/account: "(?:ada|customer-42)"/g, `account: "${ACCOUNT}"`)
    // These are counted: each is an account of its own.
    .replaceAll(/account: "(billed|trial-7)"/g, `account: "${ACCOUNT}-$1"`);

/** What is printed until the end of the test. */
function capture(): () => string {
  let printed = "";
  const print = (...args: unknown[]) => {
    printed += `${format(...args)}\n`;
  };
  for (const name of ["log", "debug", "warn", "error"] as const) {
    vi.spyOn(console, name).mockImplementation(print);
  }
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  return () => printed;
}

describe("a snippet of the README or the client's page runs", () => {
  const left = structuredClone(PRINTS);
  const folder = join(ROOT, "node_modules/.cache/claude-edge-snippets");
  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  for (const snippet of runnable) {
    const parts = left[snippet.heading]?.shift() ?? [];
    it(`${snippet.heading} (line ${snippet.line})`, async () => {
      const { url, token: rootKey } = local.stack;
      // Only the root key may name an account.
      const namesAccount = snippet.code.includes("account:");
      const token = namesAccount ? rootKey : await mintToken({ rootKey, account: ACCOUNT });
      vi.stubEnv("CLAUDE_EDGE_URL", url);
      vi.stubEnv("CLAUDE_EDGE_TOKEN", token);
      const file = join(folder, `${snippet.page.replaceAll("/", ".")}-${snippet.line}.mts`);
      writeFileSync(file, runnableCode(snippet));
      const printed = capture();
      await import(pathToFileURL(file).href);
      for (const part of parts) expect(printed()).toContain(part);
    });
  }
});

describe("the tables of the client's page", () => {
  it("name every class of error", () => {
    const classes = Object.entries(client)
      .filter(([, of]) => of === client.ClaudeEdgeError || isErrorClass(of))
      .map(([name]) => name);
    expect(tableOf(pages[CLIENT]!, "class").map(([name]) => name)).toEqual(
      expect.arrayContaining(classes),
    );
  });

  it("name codes that there are, and say rightly which may be tried again", () => {
    const rows = tableOf(pages[CLIENT]!, "code");
    expect(rows.length).toBeGreaterThan(20);
    for (const [code = "", retryable] of rows) {
      expect(code).toSatisfy(isErrorCode);
      expect(`${code}: ${retryable}`).toBe(
        `${code}: ${errorPolicy(code).retryable ? "yes" : "no"}`,
      );
    }
    const limits = tableOf(pages[CLIENT]!, "what").map((cells) => cells.at(-1)!);
    for (const code of limits.filter((cell) => cell.includes("_"))) {
      expect(code).toSatisfy(isErrorCode);
    }
  });
});

const isErrorClass = (of: unknown) => typeof of === "function" && of.prototype instanceof Error;
