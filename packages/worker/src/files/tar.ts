import {
  EdgeError,
  MAX_UPLOAD_BYTES,
  MAX_WORKSPACE_FILES,
  pathProblem,
} from "@claude-edge/protocol";
import type { LogSubject } from "@claude-edge/protocol/internal";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";
import {
  createTarDecoder,
  createTarPacker,
  type TarHeader,
  type TarPackController,
} from "modern-tar";

import { logger } from "../logger.js";
import type { BlobWriter } from "./blob-writer.js";
import { ByteReader } from "./byte-reader.js";
import type { FileStore } from "./file-store.js";
import { linkTarget } from "./resolve.js";
import { encoded } from "./transfer.js";
import { FOLDER_MODE, type FolderNode, type Node } from "./tree.js";
import { walk } from "./walk.js";

/** A workspace keeps no timestamps; a constant makes the tar deterministic. */
const NO_TIME = new Date(0);

/** Packs a directory as a tar, with backpressure. */
export function packFolder(files: FileStore, tree: string): ReadableStream<Uint8Array> {
  return writeTar((tar) => tar.folder(files, tree), files.subject);
}

/** The entries of a tar, written one after another. */
class TarEntries {
  readonly #controller: TarPackController;

  constructor(controller: TarPackController) {
    this.#controller = controller;
  }

  /** Adds what a directory holds; `prefix` goes before each name. */
  async folder(files: FileStore, tree: string, prefix = ""): Promise<void> {
    for (const { path, node } of walk(files.trees, tree)) {
      const writer = this.#controller.add(headerOf(prefix + path, node)).getWriter();
      if (node.type === "file") {
        const reader = new ByteReader(await files.blobs.read(node.sha256));
        try {
          for await (const chunk of reader.take(node.size)) {
            await writer.ready;
            await writer.write(chunk);
          }
          // A damaged blob fails only after its last byte.
          await reader.next();
        } finally {
          reader.cancel();
        }
      }
      await writer.close();
    }
  }

  /** Adds an empty directory. */
  async directory(name: string): Promise<void> {
    const header = headerOf(name, { type: "directory", mode: FOLDER_MODE });
    await this.#controller.add(header).getWriter().close();
  }

  /**
   * Adds a text. `lines` is called twice and must give the same both times: a tar has an entry's size before its bytes,
   * and the text may be larger than memory.
   */
  async text(name: string, mtime: Date, lines: () => Iterable<string>): Promise<void> {
    let size = 0;
    for (const piece of encoded(lines(), PIECE_CHARS)) {
      size += piece.length;
      // Lets other calls to the object in between.
      await scheduler.wait(0);
    }
    const writer = this.#controller
      .add({ name, size, mtime, mode: 0o644, uid: 0, gid: 0 })
      .getWriter();
    for (const piece of encoded(lines(), PIECE_CHARS)) {
      await writer.ready;
      await writer.write(piece);
    }
    await writer.close();
  }
}

/** The target size of a piece of text, in characters. */
const PIECE_CHARS = 256 * 1024;

/** Writes a tar, with backpressure. If `write` throws, the stream errors: only a whole tar has an end mark. */
export function writeTar(
  write: (entries: TarEntries) => Promise<void>,
  subject: LogSubject,
): ReadableStream<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const pack = async () => {
    await write(new TarEntries(controller));
    controller.finalize();
  };
  void pack().catch((error: unknown) => {
    if (error instanceof EdgeError) logger.error("tar not written", { ...subject, error });
    controller.error(error);
  });
  return readable;
}

/** A file in memory. */
export interface NewFile {
  path: string;
  size: number;
  chunks: readonly Uint8Array[];
}

/** Packs files as a tar, in a byte stream: RPC calls accept no other kind. */
export function packFiles(files: readonly NewFile[]): ReadableStream<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const pack = async () => {
    for (const { path, size, chunks } of files) {
      const writer = controller.add({ name: path, size, mtime: NO_TIME }).getWriter();
      for (const chunk of chunks) {
        await writer.ready;
        await writer.write(chunk);
      }
      await writer.close();
    }
    controller.finalize();
  };
  const { readable: bytes, writable } = new IdentityTransformStream();
  void pack().catch((error: unknown) => controller.error(error));
  // Errors surface at the reader.
  void readable.pipeTo(writable).catch(() => {});
  return bytes;
}

/**
 * Stores the files of a tar; returns the entries to apply to a directory.
 * @throws EdgeError `tar_invalid` (also for a truncated tar), `file_too_large`, `storage_full`, `workspace_too_large`.
 */
export async function unpackInto(
  writer: BlobWriter,
  body: ReadableStream<Uint8Array>,
  folder: string,
): Promise<WorkspaceEntry[]> {
  const entries: WorkspaceEntry[] = [];
  try {
    const archive = body
      .pipeThrough(limitBytes(MAX_UPLOAD_BYTES))
      .pipeThrough(createTarDecoder({ strict: true }));
    for await (const { header, body: content } of archive) {
      const path = pathOf(header, folder);
      if (path === undefined) {
        await content.cancel();
        continue;
      }
      if (entries.length >= MAX_WORKSPACE_FILES) {
        const message = `The tar has more than ${MAX_WORKSPACE_FILES} files.`;
        throw new EdgeError("workspace_too_large", message);
      }
      if (header.type === "file" || header.type === undefined) {
        const reader = new ByteReader(content);
        const { size, sha256 } = await writer.add(reader.take(header.size), { size: header.size });
        // The decoder continues once the entry is read to its end.
        await reader.next();
        entries.push({ path, type: "file", mode: modeOf(header, 0o644), size, sha256 });
      } else {
        await content.cancel();
        entries.push(linkOrFolder(header, path));
      }
    }
  } catch (cause) {
    if (cause instanceof EdgeError && cause.code !== "upload_cut") throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EdgeError("tar_invalid", `The body is no tar: ${reason}`, undefined, cause);
  }
  return entries;
}

/** Fails after `limit` bytes: a chunked body has no content length to check. */
function limitBytes(limit: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > limit) throw new EdgeError("file_too_large", `More than ${limit} bytes came.`);
      controller.enqueue(chunk);
    },
  });
}

function headerOf(path: string, node: Node | Pick<FolderNode, "type" | "mode">): TarHeader {
  const common = { mtime: NO_TIME, uid: 0, gid: 0 };
  if (node.type === "file") return { name: path, size: node.size, mode: node.mode, ...common };
  if (node.type === "symlink") {
    return { name: path, size: 0, type: "symlink", linkname: node.target, mode: 0o777, ...common };
  }
  return { name: `${path}/`, size: 0, type: "directory", mode: node.mode, ...common };
}

/** The path of an entry; undefined for the directory itself. @throws EdgeError `tar_invalid`. */
function pathOf({ name }: TarHeader, folder: string): string | undefined {
  const inside = name.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  if (inside === "" || inside === ".") return undefined;
  const path = folder === "" ? inside : `${folder}/${inside}`;
  const problem = pathProblem(inside) ?? pathProblem(path);
  if (!problem) return path;
  throw new EdgeError("tar_invalid", `${JSON.stringify(name)}: must ${problem}.`);
}

function linkOrFolder(header: TarHeader, path: string): WorkspaceEntry {
  const { type, linkname = "" } = header;
  if (type === "directory") return { path, type, mode: modeOf(header, FOLDER_MODE) };
  if (type !== "symlink") {
    throw new EdgeError(
      "tar_invalid",
      `${path} is a ${type}: only files, folders and links are taken.`,
    );
  }
  if (
    linkname === "" ||
    linkname.includes("\0") ||
    !linkTarget(path.split("/").slice(0, -1), linkname)
  ) {
    throw new EdgeError("tar_invalid", `${path} is a link to ${linkname}, out of the workspace.`);
  }
  return { path, type, target: linkname };
}

const modeOf = ({ mode }: TarHeader, fallback: number): number => (mode ?? fallback) & 0o777;
