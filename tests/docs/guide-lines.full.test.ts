/** The lines for a shell in the README and in the guides, run as they stand. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { ACCOUNT, shell, useFolder } from "./files-page.js";
import { shellLinesOf } from "./markdown.js";
import { ROOT } from "./run.js";

const edge = useStack();
const folder = useFolder();

function linesOf(path: string, heading: string): string {
  const lines = shellLinesOf(readFileSync(join(ROOT, path), "utf8"), heading);
  expect(lines).not.toEqual([]);
  return `${lines.join("\n").replaceAll("npx claude-edge", "claude-edge")}\n`;
}

test("the README's lines", async () => {
  const printed = await shell(linesOf("README.md", "Use it"), edge, folder);
  expect(printed).toContain("earlier you said “My name is Ada.”");
  expect(printed).toContain("My name is Ada.");
});

test("what the page of the CLI asks", async () => {
  writeFileSync(join(folder, "page.pdf"), "%PDF-1.4\n");
  const session = await edge.client(ACCOUNT).sessions.create();
  const lines = linesOf("docs/cli.md", "Ask")
    // A terminal it has not.
    .replace(/^claude-edge chat\n/m, "")
    .replace("git diff", "echo changed")
    .replaceAll("9f8b0ae3", session.id.slice(0, 8));
  expect(lines).toContain("claude-edge steer");
  const printed = await shell(lines, edge, folder);
  expect(printed).toContain("Review this");
});

test("what it does with sessions and files", async () => {
  const client = edge.client(ACCOUNT);
  const session = await client.sessions.create();
  const { turnId } = await session.send("%say Hello.");
  writeFileSync(join(folder, "data"), "");
  const lines = (linesOf("docs/cli.md", "Sessions") + linesOf("docs/cli.md", "Files"))
    .replaceAll("9f8b0ae3", session.id.slice(0, 8))
    .replaceAll("1b6e2f40", turnId.slice(0, 8))
    // That goes on until Ctrl-C.
    .replace(/(sessions events \S+) --follow/, "$1");
  const printed = await shell(
    `rm data && mkdir data && echo 1 > data/one.txt\n${lines}`,
    edge,
    folder,
  );
  expect(printed).toContain("Hello.");
  expect(printed).toContain("one.txt");
  expect(readFileSync(join(folder, "session.tar")).length).toBeGreaterThan(1_000);
});

test("what the page of tokens makes, lists and revokes", async () => {
  const root = { CLAUDE_EDGE_TOKEN: edge.stack.token };
  const [create, list, revoke] = linesOf("docs/tokens.md", "Keys and tokens").split("\n");
  const made = await shell(`${create} --json`, edge, folder, root);
  const { id } = JSON.parse(made) as { id: string };
  const printed = await shell(
    [revoke!.replace(/revoke \S+/, `revoke ${id}`), `${list} --json`].join("\n"),
    edge,
    folder,
    root,
  );
  const tokens = printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(tokens).toContainEqual(
    expect.objectContaining({ id, name: "Laptop", revoked_at: expect.any(String) }),
  );
});

test("usage and limits", async () => {
  const root = { CLAUDE_EDGE_TOKEN: edge.stack.token };
  const lines =
    linesOf("docs/limits.md", "Usage") + linesOf("docs/limits.md", "Limits of an account");
  // Another account than that of other files.
  const printed = await shell(lines.replaceAll("ada", "docs-limits"), edge, folder, root);
  expect(printed).toMatch(/5\b/);
});

test("a query with curl", async () => {
  const printed = await shell(linesOf("docs/http.md", "Events and HTTP API"), edge, folder);
  expect(JSON.parse(printed)).toMatchObject({ status: "completed" });
});

test("requests that are listed", async () => {
  const session = await edge
    .client(ACCOUNT)
    .sessions.create({ permissionMode: "default", canUseTool: true });
  const turn = session.send('%tool Bash {"command":"touch here"}\n%say Done.');
  let request = "";
  for await (const event of turn) {
    if (event.kind !== "request") continue;
    request = event.request.id;
    break;
  }
  const lines = linesOf("docs/approvals.md", "Approvals").replace("8051cca7", request.slice(0, 8));
  expect(await shell(lines, edge, folder)).toContain("touch here");
  const { text } = await session.resume({ turnId: turn.id, lastSeq: turn.lastSeq });
  expect(text).toBe("Done.");
});
