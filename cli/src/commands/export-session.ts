import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";

import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { openSession } from "../files/open.js";
import { assertFree, saveStream } from "../files/save.js";
import type { TargetFlags } from "../target/target.js";
import { humanBytes } from "../terminal/bytes.js";
import { printableName } from "../terminal/printable.js";
import { progressBar } from "../terminal/progress.js";

export interface ExportSessionFlags extends TargetFlags {
  output?: string;
  force?: boolean;
}

/** `claude-edge sessions export`. Gives the exit code. @throws EdgeError `usage`, `files_exist`. */
export async function exportSession(
  given: string,
  { output = "-", force, ...target }: ExportSessionFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal, cwd } = context;
  const isToStdout = output === "-";
  if (isToStdout && stdout.isTTY) {
    const message =
      "A terminal cannot show a tar: name a file with --output, or send it to a pipe.";
    throw new EdgeError("usage", message);
  }
  const path = resolve(cwd, output);
  const assert = () => assertFree(path, output, force);
  if (!isToStdout) assert();
  const session = await openSession(given, target, context);
  const { onProgress, end } = progressBar("exporting", context, isToStdout);
  let size = 0;
  const tar = await session.export({
    signal,
    onProgress: (progress) => {
      size = progress.bytes;
      onProgress(progress);
    },
  });
  try {
    if (isToStdout) await pipeline(tar, stdout, { end: false });
    else await saveStream(tar, path, assert, context);
  } finally {
    end();
  }
  if (!isToStdout) stderr.write(`exported: ${printableName(output)} (${humanBytes(size)})\n`);
  return EXIT.ok;
}
