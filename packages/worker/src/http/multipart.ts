import { EdgeError } from "@claude-edge/protocol";
import { MultipartParser, MultipartParseError } from "@remix-run/multipart-parser";

import { ByteReader } from "../workspace/byte-reader.js";
import { dropRest } from "./read-text.js";

/** The largest form that is taken: parts are held in memory, of which a Worker has 128 MB for all its requests. */
const MAX_FORM_BYTES = 32 * 1024 * 1024;

/** What a form of a browser's is made of; more is none. */
const MAX_PARTS = 100;

/** A part of a form. */
export interface FormPart {
  name: string | undefined;
  /** Of a file: what its sender calls it. */
  filename: string | undefined;
  /** What its sender takes it for. */
  type: string | undefined;
  size: number;
  chunks: readonly Uint8Array[];
}

/**
 * The parts of a form as `multipart/form-data`, each as soon as it is there.
 * @throws EdgeError `invalid_request` for what is no form, `file_too_large`, `upload_cut`.
 */
export async function* readForm({ headers, body }: Request): AsyncGenerator<FormPart> {
  const type = headers.get("content-type") ?? "";
  if (!/^multipart\/form-data(?:;|$)/i.test(type.trim())) {
    throw new EdgeError("invalid_request", "Content-Type must be multipart/form-data");
  }
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  // RFC 2046 allows no more than 70 characters.
  if (boundary === undefined || boundary.length > 70) throw noForm("its type names no boundary");
  const size = Number(headers.get("content-length") ?? 0);
  if (size > MAX_FORM_BYTES) throw tooLarge(`The body has ${size} bytes`);
  if (!body) throw noForm("it is empty");

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
      if (isOver(parser)) continue;
      yield* parsed(parser, chunk);
    }
    if (bytes === 0) throw noForm("it is empty");
    if (!isOver(parser)) throw new EdgeError("upload_cut", "The form ended before its last part.");
  } finally {
    reader.release();
    await dropRest(body);
  }
}

function* parsed(parser: MultipartParser, chunk: Uint8Array): Generator<FormPart> {
  try {
    for (const part of parser.write(chunk)) {
      const { name, filename, mediaType: type, size, content: chunks } = part;
      yield { name, filename, type, size, chunks };
    }
  } catch (cause) {
    // The second is for a header that is not UTF-8.
    const isForm = !(cause instanceof MultipartParseError || cause instanceof TypeError);
    throw isForm ? cause : noForm(cause.message, cause);
  }
}

/** Whether the last part has come: what is behind it, a line break at the least, belongs to none. */
function isOver(parser: MultipartParser): boolean {
  try {
    parser.finish();
    return true;
  } catch {
    return false;
  }
}

const noForm = (why: string, cause?: unknown): EdgeError =>
  new EdgeError("invalid_request", `The body is no multipart/form-data: ${why}.`, undefined, cause);

const tooLarge = (what: string): EdgeError =>
  new EdgeError("file_too_large", `${what}; a form may have ${MAX_FORM_BYTES}.`);
