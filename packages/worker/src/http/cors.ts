import { PROTOCOL_HEADER, REQUEST_ID_HEADER } from "@claude-edge/protocol";
import type { MiddlewareHandler } from "hono";
import { cors as honoCors } from "hono/cors";

import type { Env } from "../env.js";
import type { AppEnv } from "./contract.js";

const DAY_S = 24 * 60 * 60;

const originsOf = (env: Env): string[] =>
  String(env.CLAUDE_EDGE_CORS_ORIGINS ?? "")
    .split(",")
    .map((origin) => origin.trim().replace(/\/+$/, ""))
    .filter((origin) => origin !== "");

/** Whether any other origin is allowed. */
export const isCorsEnabled = (env: Env): boolean => originsOf(env).length > 0;

/** Allows the configured origins, without cookies: a page sends its key in a header. */
export const cors: MiddlewareHandler<AppEnv> = honoCors({
  origin(origin, { env }) {
    const origins = originsOf(env as Env);
    return origins.includes("*") ? "*" : origins.includes(origin) ? origin : null;
  },
  allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: [
    REQUEST_ID_HEADER,
    PROTOCOL_HEADER,
    "request-id",
    "retry-after",
    "x-should-retry",
    "etag",
    "content-range",
    "x-checkpoint",
    "x-file-mode",
  ],
  maxAge: DAY_S,
});
