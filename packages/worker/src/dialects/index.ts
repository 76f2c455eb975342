import type { Dialect } from "../http/contract.js";
import { claudeCode } from "./claude-code/index.js";
import { conversations } from "./conversations/index.js";
import { messages } from "./messages/index.js";
import { query } from "./query/index.js";
import { studio } from "./studio/index.js";

/** All dialects. If two share a path, the first one decides by the body which of them handles the request. */
export const DIALECTS: readonly Dialect[] = [messages, query, claudeCode, studio, conversations];
