import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { LocalOptions, LocalStack } from "@claude-edge/local";
import { expect } from "vitest";

import { useStack, type SharedTestStack } from "../../../tests/support/stack.js";
import { passOn, useLoopback, type Loopback, type Meddling } from "./loopback.js";
import { useCli, type Run, type RunOptions } from "./run.js";

interface Check {
  id: string;
  status: "ok" | "warn" | "fail" | "skip";
  message: string;
  fix?: string;
}

/** What `doctor --json` found. */
interface Diagnosis {
  code: number | null;
  ids: string[];
  /** Those that failed. */
  failed: string[];
  byId: Record<string, Check>;
  text: string;
}

/** A real deployment, and `doctor` to look at it. */
export interface TestDoctor extends Loopback {
  edge: SharedTestStack;
  empty: string;
  run: (args: string[], options?: RunOptions) => Promise<Run>;
  /** The deployment's key and the file's account, for the environment. */
  key: () => { CLAUDE_EDGE_TOKEN: string; CLAUDE_EDGE_ACCOUNT: string };
  doctor: (args?: string[], options?: RunOptions) => Promise<Diagnosis>;
  /** Runs it for a deployment, from a folder without a project. */
  look: (url: string, args?: string[], env?: Record<string, string>) => Promise<Diagnosis>;
  /** Runs it with a proxy before the real deployment, which meddles with these paths. */
  through: (meddling: Meddling, match?: RegExp) => Promise<Diagnosis>;
  /** A folder of that content below the empty one. */
  folderWith: (content: Record<string, string>) => string;
  /** A folder where a `dev` runs, by its file. */
  devFolder: (file: object) => string;
}

/** The deployment is shared: `account` is the file's own. */
export function useDoctor(account: string): TestDoctor {
  const edge = useStack();
  const { empty, run } = useCli();
  const loopback = useLoopback();
  const doctor = async (args: string[] = [], options: RunOptions = {}) => {
    const { code, stdout, stderr } = await run(["doctor", "--json", ...args], options);
    expect(stderr).toBe("");
    const { checks } = JSON.parse(stdout) as { checks: Check[] };
    const failed = checks.filter(({ status }) => status === "fail").map(({ id }) => id);
    const byId = Object.fromEntries(checks.map((check) => [check.id, check]));
    return { code, ids: checks.map(({ id }) => id), failed, byId, text: stdout };
  };
  const key = () => ({ CLAUDE_EDGE_TOKEN: edge.stack.token, CLAUDE_EDGE_ACCOUNT: account });
  const look: TestDoctor["look"] = (url, args = [], env = {}) =>
    doctor([...args, "--url", url], { env: { ...key(), ...env } });
  let folders = 0;
  const folderWith: TestDoctor["folderWith"] = (content) => {
    const folder = join(empty, `folder-${(folders += 1)}`);
    mkdirSync(folder);
    for (const [path, text] of Object.entries(content)) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  };
  return {
    ...loopback,
    edge,
    empty,
    run,
    key,
    doctor,
    look,
    through: async (meddling, match = /./) =>
      look(
        await loopback.serve((request, response) =>
          passOn(request, response, edge.stack.url, match.test(request.url!) ? meddling : {}),
        ),
      ),
    folderWith,
    devFolder: (file) => folderWith({ ".wrangler/claude-edge/dev.json": JSON.stringify(file) }),
  };
}

/** A finding of the kind, whose message and fix hold these. */
export const found = (status: Check["status"], message: string, fix?: string): Partial<Check> => ({
  status,
  message: expect.stringContaining(message) as string,
  ...(fix === undefined ? {} : { fix: expect.stringContaining(fix) as string }),
});

/** A deployment of a project of its own. */
export async function withStack(
  options: LocalOptions,
  work: (stack: LocalStack, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const { startLocal } = await import("@claude-edge/local");
  const stack = await startLocal(options);
  try {
    await work(stack, { CLAUDE_EDGE_URL: stack.url, CLAUDE_EDGE_TOKEN: stack.token });
  } finally {
    await stack.stop();
  }
}
