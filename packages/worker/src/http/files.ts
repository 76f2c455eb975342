import { EdgeError, MAX_UPLOAD_BYTES, rewindSessionRequest } from "@claude-edge/protocol";
import type { Context, Hono } from "hono";

import type { Precondition } from "../files/files.js";
import { tarAnswer } from "./answers.js";
import { readBody } from "./body.js";
import { account, json, nameOf, stubOf } from "./call.js";
import type { AppEnv, Call } from "./contract.js";
import { answerFile } from "./file-answer.js";
import { flag, pageSize, wholeNumber } from "./query-string.js";

/** Larger than other pages, because entries are small. */
const MAX_FILES_PAGE = 1_000;

const idOf = (c: Call): string => (c.req.param() as { id: string }).id;

/** The path of a file, decoded from the URL after the route. @throws EdgeError `path_invalid`. */
function pathOf(c: Call): string {
  const { pathname } = new URL(c.req.url);
  const escaped = pathname.split("/files/").slice(1).join("/files/");
  try {
    return decodeURIComponent(escaped);
  } catch (cause) {
    const message = "The path is not percent-encoded UTF-8.";
    throw new EdgeError("path_invalid", message, undefined, cause);
  }
}

const folderOf = (c: Call): string => (c.req.query("path") ?? "").replace(/\/+$/, "");

/** Adds the routes of a session's files. */
export function addFileRoutes(app: Hono<AppEnv>): void {
  // Not `.+`: a name may contain line breaks.
  const file = "/v1/sessions/:id/files/:path{[^]+}";

  app.get("/v1/sessions/:id/files", async (c) => {
    const { at, cursor } = c.req.query();
    const query = {
      path: folderOf(c),
      recursive: flag(c, "recursive"),
      at,
      cursor,
      limit: pageSize(c, MAX_FILES_PAGE),
    };
    return json(c, await account(c).listFiles(idOf(c), query));
  });

  // Also handles HEAD: Hono drops the body.
  app.get(file, (c: Context<AppEnv>) =>
    answerFile(c, account(c), { session: idOf(c), path: pathOf(c), at: c.req.query("at") }),
  );

  app.put(file, async (c: Context<AppEnv>) => {
    const size = sizeOf(c);
    const mode = modeOf(c);
    const body = c.req.raw.body ?? emptyBody();
    const content = { body, size, mode };
    const written = await account(c).putFile(idOf(c), pathOf(c), content, preconditionOf(c));
    return json(c, written);
  });

  app.delete(file, async (c: Context<AppEnv>) => {
    const recursive = flag(c, "recursive");
    const path = pathOf(c);
    return json(c, await account(c).deleteFile(idOf(c), path, recursive, preconditionOf(c)));
  });

  app.get("/v1/sessions/:id/tar", async (c) => {
    const body = await account(c).tarFiles(idOf(c), folderOf(c), c.req.query("at"));
    return tarAnswer(body, c.get("requestId"));
  });

  app.put("/v1/sessions/:id/tar", async (c) => {
    sizeOf(c);
    const body = c.req.raw.body ?? emptyBody();
    return json(c, await account(c).putTar(idOf(c), folderOf(c), body));
  });

  app.get("/v1/sessions/:id/diff", async (c) => {
    const { from, to, cursor } = c.req.query();
    const query = { from, to, cursor, limit: pageSize(c, MAX_FILES_PAGE) };
    return json(c, await account(c).diffFiles(idOf(c), query));
  });

  app.get("/v1/sessions/:id/checkpoints", async (c) => {
    const given = c.req.query("cursor");
    const cursor = given === undefined ? undefined : wholeNumber("cursor", given, 0);
    return json(c, await account(c).listCheckpoints(idOf(c), cursor, pageSize(c)));
  });

  app.post("/v1/sessions/:id/rewind", async (c) => {
    const { value, idempotency } = await readBody(c, rewindSessionRequest);
    const name = nameOf(c, value.accountId);
    return json(c, await stubOf(c, name).rewindSession(idOf(c), value, idempotency));
  });
}

function preconditionOf(c: Call): Precondition {
  const wanted = c.req.header("if-match")?.trim();
  const unwanted = c.req.header("if-none-match")?.trim();
  if (unwanted !== undefined && unwanted !== "*") {
    throw new EdgeError("invalid_request", "If-None-Match: must be * here.");
  }
  const sha256 = wanted === undefined ? undefined : /^"([0-9a-f]{64})"$/.exec(wanted)?.[1];
  if (wanted !== undefined && sha256 === undefined) {
    throw new EdgeError("invalid_request", "If-Match: must be the ETag of a file.");
  }
  return { sha256, absent: unwanted === "*" };
}

function modeOf(c: Call): number | undefined {
  const given = c.req.query("mode");
  if (given === undefined) return undefined;
  if (/^0?[0-7]{3}$/.test(given)) return Number.parseInt(given, 8);
  throw new EdgeError("invalid_request", "mode: must be permission bits in octal, like 755.");
}

/** The body's content length, if given. @throws EdgeError `file_too_large`. */
function sizeOf(c: Call): number | undefined {
  const given = c.req.header("content-length");
  const size = given === undefined ? undefined : Number(given);
  if (size === undefined || size <= MAX_UPLOAD_BYTES) return size;
  throw new EdgeError(
    "file_too_large",
    `The body has ${size} bytes; ${MAX_UPLOAD_BYTES} are the most.`,
  );
}

const emptyBody = (): ReadableStream<Uint8Array> =>
  new Blob([]).stream() as ReadableStream<Uint8Array>;
