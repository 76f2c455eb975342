import { nameOf, stubOf, type Call } from "../http/call.js";
import { answerFile } from "../http/file-answer.js";
import { sessionIdOf } from "./session-id.js";
import { UPLOADS, uploadsOf } from "./studio-uploads.js";

/** What a browser may show: nothing that runs scripts under the deployment's name. All else it saves. */
const SHOWN: Readonly<Record<string, string>> = {
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

/** Where an agent's results are, in its session's workspace. */
const OUTPUTS = "outputs";

function shown(path: string): Record<string, string> {
  const type = SHOWN[/\.(\w+)$/.exec(path)?.[1]!.toLowerCase() ?? ""];
  return type === undefined ? {} : { "content-type": type, "content-disposition": "inline" };
}

/** `GET /api/media/uploads/{filename}` */
export async function uploaded(c: Call): Promise<Response> {
  const { path = "" } = c.req.param() as { path?: string };
  const name = nameOf(c);
  const file = { session: await uploadsOf(name), path: `${UPLOADS}/${path}` };
  return answerFile(c, stubOf(c, name), file, shown(path));
}

/** `GET /api/media/outputs/{session}/{path}` */
export async function output(c: Call): Promise<Response> {
  const { id = "", path = "" } = c.req.param() as { id?: string; path?: string };
  const name = nameOf(c);
  const file = { session: await sessionIdOf(name, id), path: `${OUTPUTS}/${path}` };
  return answerFile(c, stubOf(c, name), file, shown(path));
}
