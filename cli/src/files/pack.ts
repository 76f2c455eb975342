import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";

import { EdgeError } from "@claude-edge/protocol/errors";
import type { TarHeader } from "modern-tar";

import { printableName } from "../terminal/printable.js";
import { isIgnored } from "./ignored.js";
import { leadsOut } from "./links.js";

/** What of a folder is sent: the headers of its tar, in order. */
export interface Plan {
  headers: TarHeader[];
  files: number;
  bytes: number;
  /** What is left out that is not ignored by its name, and why. */
  skipped: { path: string; reason: string }[];
}

/** Looks through a folder, without ignored folders; links that lead out of it, sockets and the like are left out. */
export async function planFolder(folder: string): Promise<Plan> {
  const headers: TarHeader[] = [];
  const skipped: Plan["skipped"] = [];
  for await (const { path, header } of walk(folder, "")) {
    if (header) headers.push(header);
    else skipped.push({ path, reason: "it is no file, folder or link" });
  }
  const links = new Map(
    headers.flatMap(({ type, name, linkname }) =>
      type === "symlink" ? [[name, linkname!] as const] : [],
    ),
  );
  const isOut = ({ type, name, linkname }: TarHeader) =>
    type === "symlink" && leadsOut(name, linkname!, links);
  for (const { name } of headers.filter(isOut)) {
    skipped.push({ path: name, reason: "it leads out of the folder" });
  }
  const kept = headers.filter((header) => !isOut(header));
  const files = kept.filter(({ type }) => type !== "directory").length;
  return { headers: kept, files, bytes: kept.reduce((sum, { size }) => sum + size, 0), skipped };
}

async function* walk(
  folder: string,
  within: string,
): AsyncGenerator<{ path: string; header?: TarHeader }> {
  const names = (await readdir(join(folder, within))).toSorted();
  for (const name of names) {
    const path = within === "" ? name : `${within}/${name}`;
    const found = await lstat(join(folder, path));
    const common = { name: path, size: 0, mode: found.mode & 0o777, mtime: found.mtime };
    if (found.isDirectory()) {
      if (isIgnored(name)) continue;
      yield { path, header: { ...common, type: "directory", name: `${path}/` } };
      yield* walk(folder, path);
    } else if (found.isSymbolicLink()) {
      const linkname = await readlink(join(folder, path));
      yield { path, header: { ...common, type: "symlink", linkname } };
    } else if (found.isFile()) {
      yield { path, header: { ...common, type: "file", size: found.size } };
    } else {
      yield { path };
    }
  }
}

/** The tar of a plan, read from the disk as it is sent. It errors when a file changes its size meanwhile. */
export async function packFolder(
  folder: string,
  { headers }: Plan,
): Promise<ReadableStream<Uint8Array>> {
  const { createTarPacker } = await import("modern-tar");
  const { readable, controller } = createTarPacker();
  const pack = async () => {
    for (const header of headers) await add(controller.add(header), folder, header);
    controller.finalize();
  };
  void pack().catch((error: unknown) => controller.error(error));
  return readable;
}

async function add(
  entry: WritableStream<Uint8Array>,
  folder: string,
  { type, name, size }: TarHeader,
): Promise<void> {
  const writer = entry.getWriter();
  if (type === "file" && size > 0) {
    let bytes = 0;
    for await (const piece of createReadStream(join(folder, name), { end: size - 1 })) {
      bytes += (piece as Buffer).length;
      await writer.write(piece as Buffer);
    }
    if (bytes < size) {
      const message = `${printableName(name)} became shorter while it was read.`;
      throw new EdgeError("upload_cut", message);
    }
  }
  await writer.close();
}
