import type { WireError } from "@claude-edge/protocol";
import type { Context, Next } from "hono";

import type { Env } from "../env.js";
import type { Access } from "./access.js";
import type { Caller } from "./auth.js";
import type { Trail } from "./trail.js";

/** The API of another system, mapped onto accounts, sessions and turns. It has no storage of its own. */
export interface Dialect {
  /** Its name in `CLAUDE_EDGE_DIALECTS`. */
  name: string;
  routes: readonly DialectRoute[];
  /** Prefixes under which unknown paths get an error in this dialect's format. */
  pathPrefixes?: readonly string[];
  /** Formats an error; the API's own format by default. */
  error?(error: WireError, status: number, requestId: string): Response;
}

interface DialectRoute {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  /** The required access; `root key`: tokens are refused; `open`: no authentication. */
  access: Access | "root key" | "open";
  /** Calling `next` passes the request to another dialect with the same path. */
  handle(c: Call, next: Next): Promise<Response | void>;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** What is known of the request, for its line in the log. */
    trail: Trail;
    caller: Caller;
    /** The body's text, after it was read. */
    body: string | undefined;
    /** The dialect that handles the request, and formats its errors. */
    dialect: Dialect | undefined;
  };
}

/** The request context of handlers. */
export type Call = Context<AppEnv>;
