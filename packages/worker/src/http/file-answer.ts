import type { FileEntry } from "@claude-edge/protocol";

import type { ByteRange, OpenFile } from "../workspace/files.js";
import type { AccountStub } from "./account-stub.js";
import { commonHeaders } from "./answers.js";
import type { Call } from "./call.js";

/** What an agent wrote is nothing that a browser should run under the deployment's name. */
export const AS_ATTACHMENT = {
  "content-disposition": "attachment",
  "x-content-type-options": "nosniff",
  "cache-control": "private, no-cache, no-transform",
};

/** A file of a session, as it is now or as it was. */
export interface FileOfSession {
  session: string;
  path: string;
  at?: string | undefined;
}

type Found = Pick<OpenFile, "entry" | "checkpoint">;

/**
 * Answers GET and HEAD of a file: `Range`, `If-Range`, `If-None-Match`.
 * @param shown Headers for a file that is not just to be saved.
 */
export async function answerFile(
  c: Call,
  stub: AccountStub,
  { session, path, at }: FileOfSession,
  shown: Record<string, string> = {},
): Promise<Response> {
  const stat = () => stub.statFile(session, path, at);
  if (c.req.method === "HEAD") {
    const found = await stat();
    return whole(c, { ...found, start: 0, length: found.entry.size, body: null }, shown);
  }
  const [known, only] = [c.req.header("if-none-match"), c.req.header("if-range")];
  const range = rangeOf(c);
  if (known === undefined && (only === undefined || range === undefined)) {
    return whole(c, await stub.openFile(session, path, at, range), shown);
  }
  const found = await stat();
  if (known !== undefined && matches(known, found.entry)) {
    return new Response(null, { status: 304, headers: headersOf(c, found, shown) });
  }
  // A part is of no use to whoever has parts of something else.
  const isSame = only === undefined || only.trim() === etagOf(found.entry);
  return whole(c, await stub.openFile(session, path, at, isSame ? range : undefined), shown);
}

const etagOf = ({ sha256 = "" }: FileEntry): string => `"${sha256}"`;

function headersOf(c: Call, { entry, checkpoint }: Found, shown: Record<string, string>) {
  return {
    ...commonHeaders(c.get("requestId")),
    ...AS_ATTACHMENT,
    ...shown,
    etag: etagOf(entry),
    "accept-ranges": "bytes",
    "x-checkpoint": String(checkpoint),
    "x-file-mode": entry.mode.toString(8),
  };
}

/** The file, or the part of it that was opened. */
function whole(
  c: Call,
  file: Omit<OpenFile, "body"> & { body: ReadableStream<Uint8Array> | null },
  shown: Record<string, string>,
): Response {
  const { entry, start, length, body } = file;
  const isPart = length < entry.size;
  return new Response(body && sized(body, length), {
    status: isPart ? 206 : 200,
    headers: {
      "content-type": "application/octet-stream",
      ...headersOf(c, file, shown),
      "content-length": String(length),
      ...(isPart ? { "content-range": `bytes ${start}-${start + length - 1}/${entry.size}` } : {}),
    },
  });
}

/** With its length, so that a body which breaks off is not taken for a whole one. */
function sized(body: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(length);
  // How it went shows at the reader's end.
  void body.pipeTo(writable).catch(() => {});
  return readable;
}

/** Whether a list of ETags names a file's content. */
function matches(header: string, entry: FileEntry): boolean {
  const tags = new Set(header.split(",").map((tag) => tag.trim().replace(/^W\//, "")));
  return tags.has("*") || tags.has(etagOf(entry));
}

/** One stretch of bytes; several, and what is none, count as all of them (RFC 9110, 14.2). */
function rangeOf(c: Call): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(c.req.header("range")?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return { suffix: Number(last) };
  if (last === "") return { first: Number(first) };
  return Number(last) < Number(first) ? undefined : { first: Number(first), last: Number(last) };
}
