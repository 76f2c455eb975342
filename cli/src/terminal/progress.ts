import type { FileProgress } from "@claude-edge/client";

import type { Context } from "../context.js";
import { humanBytes } from "./bytes.js";

/** A transfer that is over sooner shows no bar, milliseconds. */
const PATIENCE_MS = 300;
const EVERY_MS = 100;
const WIDTH = 30;

/** The state of a transfer, in one line that is written over. */
export interface ProgressBar {
  onProgress: (progress: FileProgress) => void;
  /** Takes the line away. */
  end: () => void;
}

/** On standard error, and there only in a terminal that nobody else reads: `isOff` for --json. */
export function progressBar(verb: string, { stderr }: Context, isOff = false): ProgressBar {
  if (isOff || !stderr.isTTY) return { onProgress: () => {}, end: () => {} };
  const started = performance.now();
  let shownAt = started + PATIENCE_MS - EVERY_MS;
  let isShown = false;
  return {
    onProgress: (progress) => {
      const now = performance.now();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      isShown = true;
      stderr.write(`\r\u001b[K${progressLine(verb, progress, now - started)}`);
    },
    end: () => {
      if (isShown) stderr.write("\r\u001b[K");
      isShown = false;
    },
  };
}

/** `getting  [=====     ] 50 %  1.2 MB  3.4 MB/s`; without a bar where the end is not known. */
export function progressLine(verb: string, { bytes, total }: FileProgress, ms: number): string {
  const rate = `${humanBytes(Math.round(bytes / Math.max(ms / 1_000, 0.001)))}/s`;
  if (!total) return `${verb}  ${humanBytes(bytes)}  ${rate}`;
  const part = Math.min(bytes / total, 1);
  const bar = "=".repeat(Math.round(part * WIDTH)).padEnd(WIDTH);
  return `${verb}  [${bar}] ${Math.floor(part * 100)} %  ${humanBytes(bytes)}  ${rate}`;
}
