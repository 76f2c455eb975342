import {
  EdgeError,
  MAX_UPLOAD_BYTES,
  MAX_WORKSPACE_FILES,
  pathProblem,
} from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";
import { createTarDecoder, createTarPacker, type TarHeader } from "modern-tar";

import type { BlobWriter } from "./blob-writer.js";
import { ByteReader } from "./byte-reader.js";
import type { FileStore } from "./file-store.js";
import { targetOf } from "./resolve.js";
import { FOLDER_MODE, type Node } from "./tree.js";
import { walk } from "./walk.js";

/** The same files give the same bytes: a workspace keeps no times. */
const NO_TIME = new Date(0);

/** A directory as a tar, at its reader's pace. */
export function packFolder(files: FileStore, tree: string): ReadableStream<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const pack = async () => {
    for (const { path, node } of walk(files.trees, tree)) {
      const writer = controller.add(headerOf(path, node)).getWriter();
      if (node.type === "file") {
        const reader = new ByteReader(await files.blobs.read(node.sha256));
        for await (const chunk of reader.take(node.size)) {
          await writer.ready;
          await writer.write(chunk);
        }
        // What is not what was stored shows behind its last byte.
        await reader.next();
      }
      await writer.close();
    }
    controller.finalize();
  };
  void pack().catch((error: unknown) => {
    if (error instanceof EdgeError) console.error("a tar could not be written", error);
    controller.error(error);
  });
  return readable;
}

/** A file that is in memory. */
export interface NewFile {
  path: string;
  size: number;
  chunks: readonly Uint8Array[];
}

/** Some files as a tar; a stream of bytes, as calls of other objects want it. */
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
  // How it went shows at the reader's end.
  void readable.pipeTo(writable).catch(() => {});
  return bytes;
}

/**
 * Stores the files of a tar; gives what they change in a directory.
 * @throws EdgeError `tar_invalid`, for one that is cut off too, `file_too_large`, `storage_full`, `workspace_too_large`.
 */
export async function unpackInto(
  writer: BlobWriter,
  body: ReadableStream<Uint8Array>,
  folder: string,
): Promise<WorkspaceEntry[]> {
  const entries: WorkspaceEntry[] = [];
  try {
    const archive = body
      .pipeThrough(upTo(MAX_UPLOAD_BYTES))
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
        // Its end, which lets the archive go on.
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

/** Lets so many bytes pass: a body that comes in chunks says nothing of its length. */
function upTo(most: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > most) throw new EdgeError("file_too_large", `More than ${most} bytes came.`);
      controller.enqueue(chunk);
    },
  });
}

function headerOf(path: string, node: Node): TarHeader {
  const common = { mtime: NO_TIME, uid: 0, gid: 0 };
  if (node.type === "file") return { name: path, size: node.size, mode: node.mode, ...common };
  if (node.type === "symlink") {
    return { name: path, size: 0, type: "symlink", linkname: node.target, mode: 0o777, ...common };
  }
  return { name: `${path}/`, size: 0, type: "directory", mode: node.mode, ...common };
}

/** Where an entry goes; undefined for the directory itself. @throws EdgeError `tar_invalid`. */
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
    !targetOf(path.split("/").slice(0, -1), linkname)
  ) {
    throw new EdgeError("tar_invalid", `${path} is a link to ${linkname}, out of the workspace.`);
  }
  return { path, type, target: linkname };
}

const modeOf = ({ mode }: TarHeader, otherwise: number): number => (mode ?? otherwise) & 0o777;
