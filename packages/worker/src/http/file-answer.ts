import type { FileEntry } from "@claude-edge/protocol";

import type { ByteRange, OpenFile } from "../files/files.js";
import type { Account } from "./account.js";
import { AS_ATTACHMENT } from "./answers.js";
import { commonHeaders } from "../errors.js";
import type { Call } from "./contract.js";

/** A file of a session, now or at an earlier state. */
export interface FileOfSession {
  session: string;
  path: string;
  at?: string | undefined;
}

type Found = Pick<OpenFile, "entry" | "checkpoint">;

/**
 * Answers GET and HEAD of a file: `Range`, `If-Range`, `If-None-Match`.
 * @param extraHeaders Headers for a file that the browser should display instead of saving.
 */
export async function answerFile(
  c: Call,
  stub: Account,
  { session, path, at }: FileOfSession,
  extraHeaders: Record<string, string> = {},
): Promise<Response> {
  const stat = () => stub.statFile(session, path, at);
  if (c.req.method === "HEAD") {
    const found = await stat();
    return fileResponse(
      c,
      { ...found, start: 0, length: found.entry.size, body: null },
      extraHeaders,
    );
  }
  const [ifNoneMatch, ifRange] = [c.req.header("if-none-match"), c.req.header("if-range")];
  const range = rangeOf(c);
  if (ifNoneMatch === undefined && (ifRange === undefined || range === undefined)) {
    return fileResponse(c, await stub.openFile(session, path, at, range), extraHeaders);
  }
  const found = await stat();
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, found.entry)) {
    return new Response(null, { status: 304, headers: headersOf(c, found, extraHeaders) });
  }
  // If the file has changed, a range would not fit the parts that the client has.
  const isSame = ifRange === undefined || ifRange.trim() === etagOf(found.entry);
  return fileResponse(
    c,
    await stub.openFile(session, path, at, isSame ? range : undefined),
    extraHeaders,
  );
}

const etagOf = ({ sha256 = "" }: FileEntry): string => `"${sha256}"`;

function headersOf(c: Call, { entry, checkpoint }: Found, extraHeaders: Record<string, string>) {
  return {
    ...commonHeaders(c.get("requestId")),
    ...AS_ATTACHMENT,
    ...extraHeaders,
    etag: etagOf(entry),
    "accept-ranges": "bytes",
    "x-checkpoint": String(checkpoint),
    "x-file-mode": entry.mode.toString(8),
  };
}

/** Responds with the file, or with the range of it that was opened. */
function fileResponse(
  c: Call,
  file: Omit<OpenFile, "body"> & { body: ReadableStream<Uint8Array> | null },
  extraHeaders: Record<string, string>,
): Response {
  const { entry, start, length, body } = file;
  const isPart = length < entry.size;
  return new Response(body && withLength(body, length), {
    status: isPart ? 206 : 200,
    headers: {
      "content-type": "application/octet-stream",
      ...headersOf(c, file, extraHeaders),
      "content-length": String(length),
      ...(isPart ? { "content-range": `bytes ${start}-${start + length - 1}/${entry.size}` } : {}),
    },
  });
}

/** Fixes the body's length, so that a client detects a truncated body. */
function withLength(body: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(length);
  // Errors surface at the reader.
  void body.pipeTo(writable).catch(() => {});
  return readable;
}

/** Whether a list of ETags names a file's content. */
function matches(header: string, entry: FileEntry): boolean {
  const tags = new Set(header.split(",").map((tag) => tag.trim().replace(/^W\//, "")));
  return tags.has("*") || tags.has(etagOf(entry));
}

/** A single range. Multiple or invalid ranges are ignored (RFC 9110, 14.2). */
function rangeOf(c: Call): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(c.req.header("range")?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return { suffix: Number(last) };
  if (last === "") return { first: Number(first) };
  return Number(last) < Number(first) ? undefined : { first: Number(first), last: Number(last) };
}
