import { EdgeError, pathProblem, toWireError, type Attachment } from "@claude-edge/protocol";

import type { AccountStub } from "../http/account-stub.js";
import { json, nameOf, stubOf, type Call } from "../http/call.js";
import { readForm } from "../http/multipart.js";
import type { BorrowedFiles } from "../workspace/store-attachments.js";
import { packFiles, type NewFile } from "../workspace/tar.js";
import { sessionIdOf } from "./session-id.js";
import { describeError } from "./studio-events.js";

/** The field of a form that holds its files. */
const FIELD = "images";
const MAX_FILES = 10;
const MAX_FILE_BYTES = 10 * 1024 * 1024;

/** The images that are taken: what the model can look at, told by their first bytes. */
const IMAGES: [type: string, extension: string, isOne: (head: string) => boolean][] = [
  ["image/png", ".png", (head) => head.startsWith("\x89PNG\r\n\x1a\n")],
  ["image/jpeg", ".jpg", (head) => head.startsWith("\xff\xd8\xff")],
  ["image/webp", ".webp", (head) => /^RIFF.{4}WEBP/s.test(head)],
  ["image/gif", ".gif", (head) => /^GIF8[79]a/.test(head)],
];
const HEAD_BYTES = 16;

export const UPLOADS = "uploads";
const TAG = "studio-uploads";

/** The names under which an upload is known: as the agent sees it there, as pages do, as it is stored. */
const NAMES = new RegExp(`^(?:/storage/|/api/media/|/)?${UPLOADS}/([\\w-]+\\.\\w+)$`);

/** The session whose workspace holds an account's uploads: they belong to none that talks. */
export const uploadsOf = (account: string): Promise<string> => sessionIdOf(account, TAG);

interface Upload extends NewFile {
  originalName: string;
  filename: string;
  mimetype: string;
}

/** What came in a form. */
interface Uploads {
  uploads: Upload[];
  /** Why others were not taken. */
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
  const session = await uploadsOf(name);
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

/** @throws EdgeError as `readForm`, `invalid_request` for no file, too many, and fields that are not here. */
async function readUploads(request: Request): Promise<Uploads> {
  const uploads: Upload[] = [];
  const errors: string[] = [];
  for await (const part of readForm(request)) {
    const { name, filename: given } = part;
    if (name !== FIELD) {
      const message = `${name ?? "a part"}: there is no such field; files go in ${FIELD}`;
      throw new EdgeError("invalid_request", message);
    }
    // What a browser sends of a field in which nothing was chosen.
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
  return IMAGES.find(([, , isOne]) => isOne(head));
}

async function ensureSession(stub: AccountStub, account: string, id: string): Promise<void> {
  try {
    await stub.createSession(account, { id, title: "Uploads", tags: [TAG] });
  } catch (error) {
    // There already, also where there may be no further ones.
    const isThere = await stub.getSession(id).then(
      () => true,
      () => false,
    );
    if (!isThere) throw error;
  }
}

/** The files that go with a prompt, and where the agent finds them. */
export interface InputImages {
  attachments?: Attachment[];
  borrowed?: BorrowedFiles;
  paths: string[];
}

/**
 * What a client names as `inputImages`: uploads, and files of the session's workspace.
 * @throws EdgeError `invalid_request`.
 */
export async function readInputImages(account: string, given: string[]): Promise<InputImages> {
  const borrowed: string[] = [];
  const paths = given.map((image) => {
    const filename = NAMES.exec(image)?.[1];
    if (filename !== undefined) {
      borrowed.push(`${UPLOADS}/${filename}`);
      return `attachments/${filename}`;
    }
    const problem = pathProblem(image);
    if (!problem) return image;
    const what = "a path of an upload's, or of the session's workspace";
    throw new EdgeError("invalid_request", `inputImages: ${JSON.stringify(image)} is not ${what}`);
  });
  const own = given.filter((image) => !NAMES.test(image));
  return {
    paths,
    ...(own.length > 0 ? { attachments: own.map((path) => ({ path })) } : {}),
    ...(borrowed.length > 0
      ? { borrowed: { session: await uploadsOf(account), paths: borrowed } }
      : {}),
  };
}
