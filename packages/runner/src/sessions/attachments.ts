import { open, realpath } from "node:fs/promises";
import { basename, relative } from "node:path";

import { EdgeError, pathProblem, type Prompt } from "@claude-edge/protocol";

/** The largest image that the Messages API takes: 5 MB in base64. */
const MAX_IMAGE_BYTES = 3_750_000;

/** The largest request that it takes, and so the largest PDF: 32 MB, in base64 and with everything else in it. */
const MAX_REQUEST_BYTES = 22_000_000;

const IMAGES: [mediaType: string, isOne: (head: string) => boolean][] = [
  ["image/png", (head) => head.startsWith("\x89PNG\r\n\x1a\n")],
  ["image/jpeg", (head) => head.startsWith("\xff\xd8\xff")],
  ["image/gif", (head) => /^GIF8[79]a/.test(head)],
  ["image/webp", (head) => /^RIFF.{4}WEBP/s.test(head)],
];
const PDF = "application/pdf";
const HEAD_BYTES = 16;

type Block = Record<string, unknown>;

/**
 * Adds files of the workspace to a prompt: images and PDFs, recognised by content, as content blocks; of all others, and
 * of those that are too large, the path.
 * @throws EdgeError `file_not_found`.
 */
export async function withAttachments(
  workspace: string,
  paths: string[],
  prompt: Prompt,
): Promise<Prompt> {
  const root = await realpath(workspace).catch(() => workspace);
  const blocks: Block[] = [];
  const named: string[] = [];
  let left = MAX_REQUEST_BYTES;
  for (const path of paths) {
    const { size, block } = await read(root, path, left);
    if (block) {
      blocks.push(block);
      left -= size;
    } else named.push(`${path} (${inWords(size)})`);
  }
  if (named.length > 0) {
    blocks.push({ type: "text", text: `Attached files, in the workspace: ${named.join(", ")}` });
  }
  const own = typeof prompt === "string" ? [{ type: "text", text: prompt }] : prompt;
  return [...blocks, ...own] as Prompt;
}

async function read(
  root: string,
  path: string,
  left: number,
): Promise<{ size: number; block?: Block }> {
  const missing = (cause?: unknown) =>
    new EdgeError("file_not_found", `There is no ${path} in the workspace.`, undefined, cause);
  if (pathProblem(path) !== undefined) throw missing();
  const real = await realpath(`${root}/${path}`).catch((error: unknown) => {
    throw missing(error);
  });
  // A link may lead anywhere in the container.
  if (relative(root, real).startsWith("..")) throw missing();
  const file = await open(real).catch((error: unknown) => {
    throw missing(error);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw missing();
    const { size } = stats;
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0, HEAD_BYTES, 0);
    const block = blockOf(head.toString("latin1"), size, left, path);
    if (!block) return { size };
    const data = (await file.readFile()).toString("base64");
    return { size, block: { ...block, source: { ...block.source, data } } };
  } finally {
    await file.close();
  }
}

function blockOf(head: string, size: number, left: number, path: string) {
  if (size > left) return undefined;
  if (head.startsWith("%PDF-")) {
    const source = { type: "base64", media_type: PDF };
    return { type: "document", source, title: basename(path) };
  }
  const [mediaType] = IMAGES.find(([, isOne]) => isOne(head)) ?? [];
  if (mediaType === undefined || size > MAX_IMAGE_BYTES) return undefined;
  return { type: "image", source: { type: "base64", media_type: mediaType } };
}

function inWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`;
}
