import type { WireError } from "@claude-edge/protocol";
import type { Next } from "hono";

import type { Access } from "../http/access.js";
import type { Call } from "../http/call.js";

/** The API of another system, spoken here: a mapping onto accounts, sessions and turns, with no storage of its own. */
export interface Dialect {
  /** As `CLAUDE_EDGE_DIALECTS` names it. */
  name: string;
  routes: readonly DialectRoute[];
  /** How it says that something went wrong; as the rest of the API does without it. */
  error?(error: WireError, status: number, requestId: string): Response;
}

interface DialectRoute {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  /** What a token needs for it; `root key`: no token will do; `open`: nobody is asked who they are. */
  access: Access | "root key" | "open";
  /** Calling `next` leaves the request to another dialect that has the path. */
  handle(c: Call, next: Next): Promise<Response | void>;
}
