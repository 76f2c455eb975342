import { EdgeError, pathProblem, toWireError, type Attachment } from "@claude-edge/protocol";

import type { Account } from "../../http/account.js";
import { json, nameOf, stubOf } from "../../http/call.js";
import type { Call } from "../../http/contract.js";
import { readForm } from "../../http/multipart.js";
import type { BorrowedFiles } from "../../files/store-attachments.js";
import { packFiles, type NewFile } from "../../files/tar.js";
import { sessionIdOf } from "../session-id.js";
import { describeError } from "./events.js";

/** The form field of the files. */
const FIELD = "images";
const MAX_FILES = 10;
const MAX_FILE_BYTES = 10 * 1024 * 1024;

/** Accepted image types, those that models support, detected by their first bytes. */
const IMAGES: [type: string, extension: string, matches: (head: string) => boolean][] = [
  ["image/png", ".png", (head) => head.startsWith("\x89PNG\r\n\x1a\n")],
  ["image/jpeg", ".jpg", (head) => head.startsWith("\xff\xd8\xff")],
  ["image/webp", ".webp", (head) => /^RIFF.{4}WEBP/s.test(head)],
  ["image/gif", ".gif", (head) => /^GIF8[79]a/.test(head)],
];
const HEAD_BYTES = 16;

export const UPLOADS = "uploads";
const TAG = "studio-uploads";

/** An upload's path: as the agent sees it, as pages see it, or as it is stored. */
const UPLOAD_PATH = new RegExp(`^(?:/storage/|/api/media/|/)?${UPLOADS}/([\\w-]+\\.\\w+)$`);

/** The id of the session whose workspace holds an account's uploads. It has no turns. */
export const uploadSessionId = (account: string): Promise<string> => sessionIdOf(account, TAG);

interface Upload extends NewFile {
  originalName: string;
  filename: string;
  mimetype: string;
}

/** The files of a form. */
interface Uploads {
  uploads: Upload[];
  /** Why other files were refused. */
  errors: string[];
}

/** `POST /api/upload` */
export async function upload(c: Call): Promise<Response> {
  const name = nameOf(c);
  const stub = stubOf(c, name);
  await stub.admit();
  const { uploads, errors } = await readUploads(c.req.raw);
  if (uploads.length === 0) {
    const failed = new EdgeError("invalid_request", "All uploads failed", { errors });
    return json(c, { ...describeError(toWireError(failed)), errors }, 400);
  }
  const session = await uploadSessionId(name);
  await ensureSession(stub, name, session);
  await stub.putTar(session, UPLOADS, packFiles(uploads));
  const files = uploads.map(({ originalName, filename, size, mimetype }) => {
    const key = `${UPLOADS}/${filename}`;
    const url = `/${key}`;
    return { originalName, filename, r2Key: key, size, mimetype, url, path: `/storage/${key}` };
  });
  const count = files.length;
  return json(c, { success: true, count, files, ...(errors.length > 0 ? { errors } : {}) });
}

/** @throws EdgeError as `readForm`, `invalid_request` for no files, too many files or unknown fields. */
export async function readUploads(request: Request): Promise<Uploads> {
  const uploads: Upload[] = [];
  const errors: string[] = [];
  for await (const part of readForm(request)) {
    const { name, filename: given } = part;
    if (name !== FIELD) {
      const message = `${name ?? "a part"}: there is no such field; files go in ${FIELD}`;
      throw new EdgeError("invalid_request", message);
    }
    // A browser sends an empty part if no file was chosen.
    if (given === undefined || (given === "" && part.size === 0)) continue;
    if (uploads.length + errors.length >= MAX_FILES) {
      throw new EdgeError("invalid_request", `Maximum ${MAX_FILES} files allowed`);
    }
    const { chunks, size, type = "unknown" } = part;
    const [mimetype, extension] = typeOf(chunks) ?? [];
    if (mimetype === undefined) {
      errors.push(`${given}: Invalid file type (${type})`);
    } else if (size > MAX_FILE_BYTES) {
      errors.push(`${given}: File too large (max 10MB)`);
    } else {
      const filename = `${Date.now()}-${crypto.randomUUID()}${extension}`;
      uploads.push({ originalName: given, filename, path: filename, size, mimetype, chunks });
    }
  }
  if (uploads.length + errors.length > 0) return { uploads, errors };
  throw new EdgeError("invalid_request", "No files uploaded");
}

function typeOf(chunks: readonly Uint8Array[]) {
  let head = "";
  for (const chunk of chunks) {
    if (head.length >= HEAD_BYTES) break;
    head += String.fromCharCode(...chunk.subarray(0, HEAD_BYTES));
  }
  return IMAGES.find(([, , matches]) => matches(head));
}

async function ensureSession(stub: Account, account: string, id: string): Promise<void> {
  try {
    await stub.createSession({ id, title: "Uploads", tags: [TAG] });
  } catch (error) {
    // It may exist already, which also counts when the error is a limit of sessions.
    const exists = await stub.getSession(id).then(
      () => true,
      () => false,
    );
    if (!exists) throw error;
  }
}

/** The attachments of a prompt, and their paths for the agent. */
export interface InputImages {
  attachments?: Attachment[];
  borrowed?: BorrowedFiles;
  paths: string[];
}

/**
 * Resolves a client's `inputImages`: uploads, or files of the session's workspace.
 * @throws EdgeError `invalid_request`.
 */
export async function readInputImages(account: string, given: string[]): Promise<InputImages> {
  const borrowed: string[] = [];
  const paths = given.map((image) => {
    const filename = UPLOAD_PATH.exec(image)?.[1];
    if (filename !== undefined) {
      borrowed.push(`${UPLOADS}/${filename}`);
      return `attachments/${filename}`;
    }
    const problem = pathProblem(image);
    if (!problem) return image;
    const what = "a path of an upload's, or of the session's workspace";
    throw new EdgeError("invalid_request", `inputImages: ${JSON.stringify(image)} is not ${what}`);
  });
  const own = given.filter((image) => !UPLOAD_PATH.test(image));
  return {
    paths,
    ...(own.length > 0 ? { attachments: own.map((path) => ({ path })) } : {}),
    ...(borrowed.length > 0
      ? { borrowed: { session: await uploadSessionId(account), paths: borrowed } }
      : {}),
  };
}
