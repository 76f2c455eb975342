import { nameOf, stubOf } from "../../http/call.js";
import type { Call } from "../../http/contract.js";
import { answerFile } from "../../http/file-answer.js";
import { sessionIdOf } from "../session-id.js";
import { UPLOADS, uploadSessionId } from "./uploads.js";

/** Types that a browser may display: none can run scripts under the deployment's origin. Others are downloads. */
const INLINE_TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  mp4: "video/mp4",
  webm: "video/webm",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  m4a: "audio/mp4",
  ogg: "audio/ogg",
  wav: "audio/wav",
  pdf: "application/pdf",
  json: "application/json",
  txt: "text/plain; charset=utf-8",
  md: "text/plain; charset=utf-8",
  csv: "text/plain; charset=utf-8",
};

/** The folder of an agent's results in its session's workspace. */
const OUTPUTS = "outputs";

/** Headers that make a browser display a file; none for a download. */
export function inlineHeaders(path: string): Record<string, string> {
  const extension = /\.(\w+)$/.exec(path)?.[1]!.toLowerCase() ?? "";
  if (!Object.hasOwn(INLINE_TYPES, extension)) return {};
  return { "content-type": INLINE_TYPES[extension]!, "content-disposition": "inline" };
}

/** `GET /api/media/uploads/{filename}` */
export async function uploaded(c: Call): Promise<Response> {
  const { path = "" } = c.req.param() as { path?: string };
  const name = nameOf(c);
  const file = { session: await uploadSessionId(name), path: `${UPLOADS}/${path}` };
  return answerFile(c, stubOf(c, name), file, inlineHeaders(path));
}

/** `GET /api/media/outputs/{session}/{path}` */
export async function output(c: Call): Promise<Response> {
  const { id = "", path = "" } = c.req.param() as { id?: string; path?: string };
  const name = nameOf(c);
  const file = { session: await sessionIdOf(name, id), path: `${OUTPUTS}/${path}` };
  return answerFile(c, stubOf(c, name), file, inlineHeaders(path));
}
