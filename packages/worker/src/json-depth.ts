import { EdgeError, MAX_JSON_DEPTH } from "@claude-edge/protocol";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Checks the nesting of JSON before it is parsed. @throws EdgeError `invalid_request`. */
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
