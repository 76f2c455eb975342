import { EdgeError } from "@claude-edge/protocol";
import { MultipartParser, MultipartParseError } from "@remix-run/multipart-parser";

import { ByteReader } from "../files/byte-reader.js";
import { drainRest } from "./read-text.js";

/** Size limit of a form: parts are in memory, and a Worker has 128 MB for all its requests. */
const MAX_FORM_BYTES = 32 * 1024 * 1024;

const MAX_PARTS = 100;

/** A part of a form. */
export interface FormPart {
  name: string | undefined;
  /** The client's name of a file. */
  filename: string | undefined;
  /** The client's content type. */
  type: string | undefined;
  size: number;
  chunks: readonly Uint8Array[];
}

/**
 * Parses `multipart/form-data`, yielding each part as soon as it is complete.
 * @throws EdgeError `invalid_request` for an invalid form, `file_too_large`, `upload_cut`.
 */
export async function* readForm({ headers, body }: Request): AsyncGenerator<FormPart> {
  const type = headers.get("content-type") ?? "";
  if (!/^multipart\/form-data(?:;|$)/i.test(type.trim())) {
    throw new EdgeError("invalid_request", "Content-Type must be multipart/form-data");
  }
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  // RFC 2046 allows no more than 70 characters.
  if (boundary === undefined || boundary.length > 70)
    throw invalidForm("its type names no boundary");
  const size = Number(headers.get("content-length") ?? 0);
  if (size > MAX_FORM_BYTES) throw tooLarge(`The body has ${size} bytes`);
  if (!body) throw invalidForm("it is empty");

  const parser = new MultipartParser(boundary, {
    maxFileSize: MAX_FORM_BYTES,
    maxTotalSize: MAX_FORM_BYTES,
    maxParts: MAX_PARTS,
  });
  const reader = new ByteReader(body);
  let bytes = 0;
  try {
    for (let chunk = await reader.next(); chunk; chunk = await reader.next()) {
      bytes += chunk.length;
      if (bytes > MAX_FORM_BYTES) throw tooLarge(`More than ${MAX_FORM_BYTES} bytes came`);
      if (hasEnded(parser)) continue;
      yield* parsed(parser, chunk);
    }
    if (bytes === 0) throw invalidForm("it is empty");
    if (!hasEnded(parser))
      throw new EdgeError("upload_cut", "The form ended before its last part.");
  } finally {
    reader.release();
    await drainRest(body);
  }
}

function* parsed(parser: MultipartParser, chunk: Uint8Array): Generator<FormPart> {
  try {
    for (const part of parser.write(chunk)) {
      const { name, filename, mediaType: type, size, content: chunks } = part;
      yield { name, filename, type, size, chunks };
    }
  } catch (cause) {
    // TypeError: a header is not UTF-8.
    const isParseError = cause instanceof MultipartParseError || cause instanceof TypeError;
    throw isParseError ? invalidForm(cause.message, cause) : cause;
  }
}

/** Whether the last part has arrived. Bytes after it, such as a line break, belong to no part. */
function hasEnded(parser: MultipartParser): boolean {
  try {
    parser.finish();
    return true;
  } catch {
    return false;
  }
}

const invalidForm = (why: string, cause?: unknown): EdgeError =>
  new EdgeError("invalid_request", `The body is no multipart/form-data: ${why}.`, undefined, cause);

const tooLarge = (what: string): EdgeError =>
  new EdgeError("file_too_large", `${what}; a form may have ${MAX_FORM_BYTES}.`);
