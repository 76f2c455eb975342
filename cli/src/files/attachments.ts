import { basename, resolve } from "node:path";

import type { PromptAttachment } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import { readLocal } from "./local.js";

/** Reads the files given with `--file`, as attachments of a prompt. @throws EdgeError `usage`, `file_too_large`. */
export async function readAttachments(
  paths: string[],
  cwd: string,
): Promise<PromptAttachment[] | undefined> {
  if (paths.length === 0) return undefined;
  const names = paths.map((path) => basename(resolve(cwd, path)));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new EdgeError("usage", `--file: two of them are called ${twice}.`);
  }
  return Promise.all(
    paths.map(async (path, at) => {
      const { data } = await readLocal(resolve(cwd, path), path);
      return { name: names[at]!, data };
    }),
  );
}
