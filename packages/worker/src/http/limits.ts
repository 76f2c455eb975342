import { EdgeError, MAX_HEADER_CHARS, MAX_PATH_CHARS } from "@claude-edge/protocol";

/**
 * Limits the path and headers of a request, before authentication.
 * @throws EdgeError `path_too_long`, `headers_too_large`.
 */
export function assertFits({ url, headers }: Request): void {
  const { origin } = new URL(url);
  if (url.length - origin.length > MAX_PATH_CHARS) {
    const message = `Path and query are longer than ${MAX_PATH_CHARS} characters.`;
    throw new EdgeError("path_too_long", message);
  }
  let chars = 0;
  for (const [name, value] of headers) chars += name.length + value.length;
  if (chars > MAX_HEADER_CHARS) {
    const message = `The headers hold ${chars} characters; ${MAX_HEADER_CHARS} are the most.`;
    throw new EdgeError("headers_too_large", message);
  }
}
