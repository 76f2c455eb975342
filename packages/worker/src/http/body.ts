import {
  EdgeError,
  IDEMPOTENCY_HEADER,
  MAX_IDEMPOTENCY_KEY,
  MAX_PROMPT_BYTES,
  type Prompt,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import type { Idempotency } from "../account/account-do.js";
import type { Call } from "./call.js";
import { assertShallow } from "./limits.js";
import { readText } from "./read-text.js";

/** What is wrong with a value, where, in one line. */
function describe({ issues }: z.core.$ZodError): string {
  const [issue] = issues;
  if (!issue) return "invalid";
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return `${[...path, issue.keys[0]].join(".")}: there is no such field`;
  }
  // zod says only "Invalid input" of a field that is not there.
  const isMissing = issue.code === "invalid_type" && issue.input === undefined && path.length > 0;
  return `${path.join(".") || "body"}: ${isMissing ? "is missing" : issue.message}`;
}

/**
 * Reads and checks a JSON body.
 * @throws EdgeError `unsupported_media_type`, `body_too_…`, `invalid_json`, `invalid_request`, `prompt_…`.
 */
export async function readBody<Schema extends z.ZodMiniType>(
  c: Call,
  schema: Schema,
): Promise<{ value: z.output<Schema>; once?: Idempotency }> {
  const json = await readJson(c);
  const parsed = z.safeParse(schema, json);
  if (!parsed.success) throw new EdgeError("invalid_request", describe(parsed.error));
  if (hasPrompt(parsed.data)) checkPrompt(parsed.data.prompt);
  const once = await idempotencyOf(c.req.raw, c.get("body") ?? "");
  return { value: parsed.data, ...(once ? { once } : {}) };
}

/** Reads a JSON body, once. @throws EdgeError `unsupported_media_type`, `body_too_…`, `invalid_json`, `invalid_request`. */
export async function readJson(c: Call): Promise<unknown> {
  const request = c.req.raw;
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/json") {
    throw new EdgeError("unsupported_media_type", `The body is ${type || "of no stated type"}.`);
  }
  const text = c.get("body") ?? (await readText(request));
  c.set("body", text);
  assertShallow(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EdgeError("invalid_json", "The body is not JSON.", undefined, cause);
  }
}

const hasPrompt = (value: unknown): value is { prompt: Prompt } =>
  typeof value === "object" && value !== null && "prompt" in value;

/** @throws EdgeError `prompt_empty`, `prompt_too_long`. */
export function checkPrompt(prompt: Prompt): void {
  const text =
    typeof prompt === "string" ? prompt : prompt.length > 0 ? JSON.stringify(prompt) : "";
  if (text.trim() === "") throw new EdgeError("prompt_empty", "The prompt is empty.");
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > MAX_PROMPT_BYTES) {
    const message = `The prompt is ${bytes} bytes long; ${MAX_PROMPT_BYTES} are the most.`;
    throw new EdgeError("prompt_too_long", message);
  }
}

/** The request's idempotency key, with a digest of path and body: the same key for anything else is a mistake. */
async function idempotencyOf(request: Request, text: string): Promise<Idempotency | undefined> {
  const key = request.headers.get(IDEMPOTENCY_HEADER);
  if (key === null) return undefined;
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > MAX_IDEMPOTENCY_KEY) {
    const form = `1 to ${MAX_IDEMPOTENCY_KEY} printable ASCII characters without spaces`;
    throw new EdgeError("invalid_request", `${IDEMPOTENCY_HEADER}: must be ${form}.`);
  }
  const asked = new TextEncoder().encode(`${new URL(request.url).pathname}\n${text}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", asked));
  return { key, fingerprint: btoa(String.fromCharCode(...digest)) };
}
