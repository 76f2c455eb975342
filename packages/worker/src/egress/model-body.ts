import { EdgeError } from "@claude-edge/protocol";

import { concat } from "../bytes.js";
import { assertShallow } from "../json-depth.js";
import { readWithin } from "../read-within.js";
import { limitedBy, webToolsDeniedBy, type NetworkRules } from "./network-policy.js";
import { networkUses, refusalOf } from "./network-uses.js";

const MIB = 1024 * 1024;

/** The limit of the Messages API. */
const MAX_BODY_BYTES = 32 * MIB;

/** Limit of a body that is parsed: as text, as values and as bytes again it takes several times its size. */
const MAX_PARSED_BYTES = 16 * MIB;

/** Limit of all bodies that this isolate holds. It has 128 MB. */
const MAX_HELD_BYTES = 64 * MIB;

/** A body that stalls would be held all the same. */
const BODY_TIMEOUT_MS = 60_000;

/** Names of what has the model's API reach hosts. */
const MCP_SERVERS = ["mcp_servers"];
const WEB_TOOLS = ["web_search_", "web_fetch_", "code_execution_", '"source"'];

/** ASCII letters and `_` may be written as escapes. */
const ESCAPED_LETTER = /\\u00([4-7][\da-f])/gi;

/** A name, every letter of it escaped, may be split between two chunks, characters. */
const OVERLAP = 128;

let heldBytes = 0;

/** The body of a model call as it is sent. */
export interface ModelBody {
  body: BodyInit | null;
  /** Whether it is no longer the request's own stream, whose headers describe it. */
  isRead: boolean;
  /** To be called when the body was sent, or will not be. */
  release(): void;
}

/**
 * Checks what a model call has the model's API reach. A body that names nothing of that kind is sent as it came; any other
 * is parsed, and sent as it was understood: no second reader finds another meaning in it.
 * @param rules `fresh`: not from memory.
 * @throws EdgeError `network_denied`, `invalid_json`, `invalid_request`, `unsupported_media_type`, `body_too_…`,
 * `overloaded`.
 */
export async function checkedBody(
  { body, headers }: Request,
  rules: (fresh: boolean) => Promise<NetworkRules>,
): Promise<ModelBody> {
  const known = body ? await rules(false) : undefined;
  if (!body || !known || !limitedBy(known)) return { body, isRead: false, release: () => {} };
  assertPlain(headers);
  const held = new Held();
  const release = () => held.release();
  try {
    const names = webToolsDeniedBy(known) ? [...MCP_SERVERS, ...WEB_TOOLS] : MCP_SERVERS;
    const { bytes, isSuspect } = await read(body, names, held);
    if (!isSuspect) return { body: bytes, isRead: true, release };
    if (bytes.byteLength > MAX_PARSED_BYTES) throw tooLarge(MAX_PARSED_BYTES);
    // As text, as values, and as bytes again.
    held.take(3 * bytes.byteLength);
    const call = parse(bytes);
    const uses = networkUses(call);
    const refusal = refusalOf(uses, known) && refusalOf(uses, await rules(true));
    if (refusal) throw refusal;
    return { body: JSON.stringify(call), isRead: true, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** @throws EdgeError `unsupported_media_type` for what cannot be searched. */
function assertPlain(headers: Headers): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  const charset = /charset\s*=\s*"?([^\s";]*)/i.exec(headers.get("content-type") ?? "")?.[1];
  if (/^identity$/i.test(encoding) && /^utf-?8$/i.test(charset ?? "utf-8")) return;
  throw new EdgeError("unsupported_media_type", "A model call must be UTF-8, uncompressed.");
}

function parse(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  assertShallow(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EdgeError("invalid_json", "The body is not JSON.", undefined, cause);
  }
}

/** Reads a body, and searches it for names as it comes. */
async function read(
  body: ReadableStream<Uint8Array>,
  names: readonly string[],
  held: Held,
): Promise<{ bytes: Uint8Array; isSuspect: boolean }> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isSuspect = false;
  let end = "";
  const take = (chunk: Uint8Array) => {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return false;
    held.take(chunk.byteLength);
    chunks.push(chunk);
    const searched = end + decode(decoder, chunk);
    isSuspect ||= isNamed(searched, names);
    end = searched.slice(-OVERLAP);
    return true;
  };
  try {
    const reached = await readWithin(reader, BODY_TIMEOUT_MS, take);
    if (reached === "enough") throw tooLarge(MAX_BODY_BYTES);
    if (reached === "late") {
      throw new EdgeError("body_too_slow", "The body did not arrive in time.");
    }
    decode(decoder);
    return { bytes: concat(chunks), isSuspect };
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw error;
  }
}

function isNamed(text: string, names: readonly string[]): boolean {
  const plain = text.includes(String.raw`\u00`)
    ? text.replaceAll(ESCAPED_LETTER, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    : text;
  // NUL is in no JSON, but in other encodings than UTF-8.
  return names.some((name) => plain.includes(name)) || text.includes("\0");
}

function decode(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch (cause) {
    throw new EdgeError("invalid_json", "The body is not UTF-8.", undefined, cause);
  }
}

const tooLarge = (bytes: number) =>
  new EdgeError("body_too_large", `The body of the model call is larger than ${bytes} bytes.`);

/** What a model call takes of the memory for bodies. */
class Held {
  #bytes = 0;

  /** @throws EdgeError `overloaded`. */
  take(bytes: number): void {
    if (heldBytes + bytes > MAX_HELD_BYTES) {
      const message = "Too many large model calls are under way.";
      throw new EdgeError("overloaded", message, { retry_after_s: 2 });
    }
    heldBytes += bytes;
    this.#bytes += bytes;
  }

  release(): void {
    heldBytes -= this.#bytes;
    this.#bytes = 0;
  }
}
