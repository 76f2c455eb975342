import { readFileSync } from "node:fs";
import { join } from "node:path";

import { mintToken } from "@claude-edge/client/tokens";
import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { shell, useFolder } from "./files-page.js";
import { snippetsOf } from "./markdown.js";
import { ROOT, runNode } from "./run.js";

const edge = useStack();
const folder = useFolder();
const page = readFileSync(join(ROOT, "docs/secrets.md"), "utf8");
const [cli = "", http = ""] = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code!);
const ACCOUNT = "docs-secrets";

/** Variables by which the page's programs find their deployment, and are let in as an account's administrator. */
async function admin(): Promise<Record<string, string>> {
  const { url, token: rootKey } = edge.stack;
  const token = await mintToken({ rootKey, account: ACCOUNT, scopes: ["admin"] });
  return { CLAUDE_EDGE_URL: url, CLAUDE_EDGE_TOKEN: token, TOKEN: token };
}

const names = async () => (await edge.client(ACCOUNT).secrets.list()).map(({ name }) => name);

test("the lines with the CLI do what they say", async () => {
  const printed = await shell(
    `pass() { echo fal-0123456789; }\n${cli}`,
    edge,
    folder,
    await admin(),
  );
  expect(printed).toMatch(/FAL_KEY +the account +fal\.run \*\.fal\.run/);
  expect(printed).not.toContain("fal-0123456789");
  expect(await names()).toEqual([]);
});

test("the lines with curl do what they say", async () => {
  const printed = await shell(http, edge, folder, await admin());
  expect(printed).toContain('"name":"FAL_KEY","scope":"account","hosts":["fal.run","*.fal.run"]');
  expect(printed).not.toContain("fal-0123456789");
  expect(await names()).toEqual([]);
});

test("the program does what it says", async () => {
  const [{ code } = { code: "" }] = snippetsOf(page);
  const script = `%tool Bash ${JSON.stringify({ command: "echo $FAL_KEY $UPLOAD_TOKEN > names" })}\n%say Done.`;
  const input = code.replace(/"Make a picture[^"]*"/, JSON.stringify(script));
  const env = { ...(await admin()), NO_COLOR: "1" };
  const ran = await runNode(["--input-type=module-typescript"], { input, env });
  expect(ran).toEqual({ code: 0, printed: "Done.\naccount FAL_KEY [ 'fal.run' ]\n" });
});
