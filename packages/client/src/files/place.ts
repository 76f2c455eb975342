import type { Kit } from "./kit.js";

/** A file's path as the end of a URL. @throws ClaudeEdgeError `path_invalid`: fetch would resolve a `..` by itself. */
export function filePath(kit: Kit, path: string): string {
  return checked(kit, path).split("/").map(encodeURIComponent).join("/");
}

/** A folder's path for a query; nothing for the workspace itself. @throws ClaudeEdgeError `path_invalid`. */
export function folderPath(kit: Kit, path: string): string | undefined {
  const folder = path.replace(/\/$/, "");
  return folder === "" || folder === "." ? undefined : checked(kit, folder);
}

/** What a URL cannot carry; all else is for the deployment to judge. */
function checked(kit: Kit, path: string): string {
  if (path.isWellFormed() && !/(^|\/)\.{0,2}(\/|$)/.test(path)) return path;
  const message = `${JSON.stringify(path)} is not a path of the workspace.`;
  const suggestion = "Name it from the workspace, with slashes: `src/main.ts`.";
  throw new kit.ClaudeEdgeError({ code: "path_invalid", message, retryable: false, suggestion });
}

/** `?name=value&…` of what is defined. */
export function queryOf(fields: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length === 0 ? "" : `?${query}`;
}

/** HTTP's range, whose end is included. @throws ClaudeEdgeError `invalid_request` for one that HTTP cannot say. */
export function rangeHeader(
  kit: Kit,
  { start, end }: { start: number; end?: number | undefined },
): string {
  const isSuffix = start < 0 && end === undefined;
  const isPart = start >= 0 && (end === undefined || end > start);
  if ((!isSuffix && !isPart) || ![start, end ?? 0].every(Number.isSafeInteger)) {
    const message = `range: must begin at a byte and end behind it; ${start} to ${end} does not.`;
    throw new kit.ClaudeEdgeError({ code: "invalid_request", message, retryable: false });
  }
  return isSuffix ? `bytes=${start}` : `bytes=${start}-${end === undefined ? "" : end - 1}`;
}
