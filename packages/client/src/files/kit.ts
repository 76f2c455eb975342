import { deadline } from "../deadline.js";
import {
  abortError,
  ClaudeEdgeError,
  ConnectionError,
  ProtocolError,
  TimeoutError,
} from "../errors.js";
import { paged } from "../paged.js";
import { parseAnswer } from "../parse-answer.js";

/**
 * What the files' calls use of the rest of the client. It is handed to them and not imported by them: what both sides
 * import, esbuild puts into a chunk of its own, and all programs would load 0.8 kB more at first.
 */
export const kit = {
  abortError,
  ClaudeEdgeError,
  ConnectionError,
  deadline,
  paged,
  parseAnswer,
  ProtocolError,
  TimeoutError,
};

export type Kit = typeof kit;
