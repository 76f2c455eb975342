import { noConversation } from "@claude-edge/protocol/internal";
import { clientError } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "./errors.js";

/** A session's id as one segment of a path, wherever it came from. @throws ClaudeEdgeError `session_not_found`. */
export function pathSegment(id: string): string {
  if (/^\.{0,2}$/.test(id)) {
    throw new ClaudeEdgeError(clientError("session_not_found", noConversation(id)));
  }
  return encodeURIComponent(id);
}
