import { EdgeError, MAX_HEADER_CHARS, MAX_JSON_DEPTH, MAX_PATH_CHARS } from "@claude-edge/protocol";

/**
 * What a request may bring along before anybody looks at who it is from.
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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @throws EdgeError `invalid_request` for JSON that is nested too deep, before it is parsed. */
export function assertShallow(json: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) {
      inString = true;
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) {
        const message = `body: is nested deeper than ${MAX_JSON_DEPTH} levels.`;
        throw new EdgeError("invalid_request", message);
      }
    } else if (code === 0x5d || code === 0x7d) {
      depth -= 1;
    }
  }
}
