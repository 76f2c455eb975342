import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { snippetsOf } from "./markdown.js";
import { ROOT, runNode } from "./run.js";

const page = readFileSync(join(ROOT, "docs/files.md"), "utf8");
const [http = "", cli = ""] = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code!);
const edge = useStack();
const folder = mkdtempSync(join(tmpdir(), "files-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BIN = join(ROOT, "cli/dist/bin.js");
const PREFIX = `set -e -o pipefail
curl() { command curl --fail-with-body --noproxy "*" "$@"; }
claude-edge() { ${process.execPath} ${BIN} "$@"; }
`;

function shell(lines: string, more: Record<string, string> = {}): Promise<string> {
  const { url, token } = edge.stack;
  const env = {
    ...process.env,
    EDGE: url,
    TOKEN: token,
    CLAUDE_EDGE_URL: url,
    CLAUDE_EDGE_TOKEN: token,
    ...more,
  };
  return new Promise((resolve, reject) => {
    execFile("bash", ["-c", PREFIX + lines], { cwd: folder, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

const script = '%tool Bash {"command":"echo Three in May. > summary.md"}\n%say It is done.';

test("the lines with curl do what they say", async () => {
  writeFileSync(join(folder, "sales.csv"), "month,sum\nMay,3\n");
  const session = await edge.client().sessions.create();
  const printed = await shell(http, { SESSION: session.id });
  expect(readFileSync(join(folder, "copy.csv"), "utf8")).toBe("month,sum\nMay,3\n");
  for (const part of [
    '"entries":[]',
    '"path":"data/sales.csv"',
    "copy.csv\nsales.csv\n",
    '"change":"added"',
    '"reason":"write"',
  ]) {
    expect(printed).toContain(part);
  }
  const left = [];
  for await (const { path } of session.files.list("", { recursive: true })) left.push(path);
  expect(left).toEqual(["more", "more/copy.csv", "more/sales.csv"]);
});

test("the lines with the CLI do what they say", async () => {
  writeFileSync(join(folder, "sales.csv"), "month,sum\nMay,3\n");
  writeFileSync(join(folder, "photo.png"), "no picture");
  mkdirSync(join(folder, "project"), { recursive: true });
  writeFileSync(join(folder, "project/main.ts"), "export {};\n");
  const session = await edge.client().sessions.create({ allowedTools: ["Bash"] });
  const { turnId } = await session.send(script);
  const lines = cli
    .replaceAll("9f8b0ae3", session.id.slice(0, 8))
    .replaceAll("5c1f2d7e", turnId.slice(0, 8));
  await shell(lines);
  expect(readFileSync(join(folder, "result/main.ts"), "utf8")).toBe("export {};\n");
  expect(await (await session.files.get("summary.md")).text()).toBe("Three in May.\n");
}, 120_000);

test("the program does what it says", async () => {
  const [{ code } = { code: "" }] = snippetsOf(page);
  const input = code.replace('"Sum up data/sales.csv in summary.md."', JSON.stringify(script));
  const { url, token } = edge.stack;
  const env = { CLAUDE_EDGE_URL: url, CLAUDE_EDGE_TOKEN: token, NO_COLOR: "1" };
  const ran = await runNode(["--input-type=module-typescript"], { input, env, timeout: 60_000 });
  expect(ran).toEqual({
    code: 0,
    printed: expect.stringContaining(
      "data/sales.csv 16\nsummary.md 14\nThree in May.\n\nadded data/sales.csv\nadded summary.md\n",
    ),
  });
});
