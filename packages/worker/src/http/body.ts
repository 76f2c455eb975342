import {
  EdgeError,
  IDEMPOTENCY_HEADER,
  MAX_IDEMPOTENCY_KEY,
  MAX_PROMPT_BYTES,
  type Prompt,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import type { Idempotency } from "../session/account-port.js";
import type { Call } from "./contract.js";
import { assertShallow } from "../json-depth.js";
import { readText } from "./read-text.js";

const TYPES: Record<string, string> = {
  array: "an array",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

/** Describes the first validation error and its path, in one line. */
function describe({ issues }: z.core.$ZodError): string {
  const [issue] = issues;
  if (!issue) return "invalid";
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return `${[...path, issue.keys[0]].join(".")}: there is no such field`;
  }
  return `${path.join(".") || "body"}: ${reasonOf(issue)}`;
}

/** zod/mini's own message for a wrong type is only "Invalid input". */
function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_type") return issue.message;
  if (issue.input === undefined) return "is missing";
  const type = TYPES[issue.expected];
  return type ? `must be ${type}` : issue.message;
}

/**
 * Reads and checks a JSON body.
 * @throws EdgeError `unsupported_media_type`, `body_too_…`, `invalid_json`, `invalid_request`, `prompt_…`.
 */
export async function readBody<Schema extends z.ZodMiniType>(
  c: Call,
  schema: Schema,
): Promise<{ value: z.output<Schema>; idempotency?: Idempotency }> {
  const json = await readJson(c);
  const parsed = z.safeParse(schema, json, { reportInput: true });
  if (!parsed.success) throw new EdgeError("invalid_request", describe(parsed.error));
  if (hasPrompt(parsed.data)) checkPrompt(parsed.data.prompt, parsed.data.fields);
  const idempotency = await idempotencyOf(c.req.raw, c.get("body") ?? "");
  return { value: parsed.data, ...(idempotency ? { idempotency } : {}) };
}

/** Reads a JSON body. May be called again. @throws EdgeError `unsupported_media_type`, `body_too_…`, `invalid_json`, `invalid_request`. */
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

const hasPrompt = (value: unknown): value is { prompt: Prompt; fields?: object } =>
  typeof value === "object" && value !== null && "prompt" in value;

/** @throws EdgeError `prompt_empty`, `prompt_too_long`: the fields of its message count too. */
export function checkPrompt(prompt: Prompt, fields?: object): void {
  const text =
    typeof prompt === "string" ? prompt : prompt.length > 0 ? JSON.stringify(prompt) : "";
  if (text.trim() === "") throw new EdgeError("prompt_empty", "The prompt is empty.");
  const more = fields ? JSON.stringify(fields) : "";
  const bytes = new TextEncoder().encode(text + more).byteLength;
  if (bytes > MAX_PROMPT_BYTES) {
    const message = `The prompt is ${bytes} bytes long; ${MAX_PROMPT_BYTES} are the most.`;
    throw new EdgeError("prompt_too_long", message);
  }
}

/** The request's idempotency key, with a digest of path and body to detect its reuse for another request. */
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
