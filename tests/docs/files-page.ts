import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { mintToken } from "@claude-edge/client/tokens";
import { afterAll } from "vitest";

import type { TestStack } from "../support/stack.js";
import { ROOT } from "./run.js";

/** docs/files.md: its text, and its lines for a shell. */
export const page: string = readFileSync(join(ROOT, "docs/files.md"), "utf8");
export const [http = "", cli = ""] = [...page.matchAll(/```sh\n(.*?)```/gs)].map(
  ([, code]) => code!,
);

export const ACCOUNT = "docs-files";

/** What makes the scripted model do as the page says. */
export const SCRIPT = '%tool Bash {"command":"echo Three in May. > summary.md"}\n%say It is done.';

const PREFIX = `set -e -o pipefail
curl() { command curl --fail-with-body --noproxy "*" "$@"; }
claude-edge() { ${process.execPath} ${join(ROOT, "cli/dist/bin.js")} "$@"; }
`;

/** Variables by which the page's programs find their deployment, and are let in. */
export async function deploymentOf({ stack }: TestStack): Promise<Record<string, string>> {
  const token = await mintToken({ rootKey: stack.token, account: ACCOUNT });
  return { CLAUDE_EDGE_URL: stack.url, CLAUDE_EDGE_TOKEN: token };
}

/** A folder to work in, removed when the file's tests have run. */
export function useFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "files-page-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs lines in a shell; gives what they print. */
export async function shell(
  lines: string,
  edge: TestStack,
  folder: string,
  more: Record<string, string> = {},
): Promise<string> {
  const deployment = await deploymentOf(edge);
  const names = { EDGE: deployment.CLAUDE_EDGE_URL, TOKEN: deployment.CLAUDE_EDGE_TOKEN };
  const env = { ...process.env, ...deployment, ...names, ...more };
  return new Promise((resolve, reject) => {
    execFile("bash", ["-c", PREFIX + lines], { cwd: folder, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}
