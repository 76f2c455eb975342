import * as z from "zod/mini";

import type { ComponentName } from "./components.js";

/** What a route sends back: a named schema as JSON, a stream, or bytes of a media type. */
export type Answer =
  | { json: ComponentName }
  | { bytes: "application/x-tar" | "application/x-ndjson" | "application/octet-stream" };

export interface Operation {
  /** Unique; generated clients name their methods by it. */
  id: string;
  tag: string;
  summary: string;
  query?: Record<string, z.ZodMiniType>;
  /** A named schema as JSON, or bytes of a media type. */
  body?: ComponentName | "application/x-tar" | "application/octet-stream";
  /** No `Idempotency-Key` is taken. */
  isSentOnce?: true;
  /** Conditional requests, by the file's ETag. */
  conditions?: readonly ("If-Match" | "If-None-Match" | "Range")[];
  /** By status; `null`: without a body. */
  answers: Record<number, Answer | null>;
  /** The data of server-sent events, with `Accept: text/event-stream`. `only`: it answers with nothing else. */
  events?: { of: ComponentName; only?: true };
}

export const json = (name: ComponentName): Answer => ({ json: name });

/** Parameters of a query string. */
export const text = z.string();
export const flag = z.boolean();
export const whole = z.int().check(z.nonnegative());
const upTo = (most: number) => z.int().check(z.positive(), z.maximum(most));
export const page = { cursor: text, limit: upTo(200) };
export const filePage = { cursor: text, limit: upTo(1_000) };
export const day = z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/));
