import type { SecretPlaces, SecretScope } from "@claude-edge/protocol";

import { PLACEHOLDER_START, placeholdersIn } from "../secrets/placeholder.js";
import { ByteReplacer, replaceInStream } from "./byte-replacer.js";

/** A secret that may go to the host of a request, opened. */
export interface OpenSecret {
  name: string;
  scope: SecretScope;
  placeholder: string;
  value: string;
  places: SecretPlaces;
}

/** Secrets whose placeholder is still in a request: it stands in a place that they are not for. */
export function misplacedIn(request: Request, secrets: readonly OpenSecret[]): OpenSecret[] {
  const left = secrets.length > 0 ? placeholdersOf(request) : [];
  return secrets.filter(({ placeholder }) => left.includes(placeholder));
}

/** A request with the values in it, and what of them must not come back. */
export interface RequestWithSecrets {
  request: Request;
  /** What was or may be put in, in each spelling that it can come back in. */
  sent: SentValue[];
}

/** A value as it stands in a request, and the placeholder that was there. */
export interface SentValue {
  text: string;
  placeholder: string;
}

const encoder = new TextEncoder();

const BASIC = /^(basic +)([A-Za-z0-9+/=_-]+)$/i;

/** The placeholders in a request but for its body. */
export function placeholdersOf({ headers, url }: Pick<Request, "headers" | "url">): string[] {
  const found = new Set(placeholdersIn(url));
  for (const [, value] of headers) {
    for (const placeholder of placeholdersIn(value)) found.add(placeholder);
    for (const placeholder of placeholdersIn(fromBasic(value)?.credentials ?? "")) {
      found.add(placeholder);
    }
  }
  return [...found];
}

/** User and password of `Authorization: Basic`, if that is what a header holds. */
function fromBasic(header: string): { scheme: string; credentials: string } | undefined {
  const [, scheme, encoded] = BASIC.exec(header) ?? [];
  if (scheme === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(encoded!), (char) => char.charCodeAt(0));
    return { scheme, credentials: new TextDecoder().decode(bytes) };
  } catch {
    return undefined;
  }
}

const toBase64 = (text: string) => btoa(String.fromCharCode(...encoder.encode(text)));

/** Puts the values of secrets in the places of a request that each is for. All else stays as it is. */
export function withSecrets(given: Request, secrets: readonly OpenSecret[]): RequestWithSecrets {
  const sent: SentValue[] = [];
  const headers = replaceInHeaders(given.headers, secrets, sent);
  const url = replaceInQuery(given.url, secrets, sent);
  const inBody = secrets.filter(({ places }) => places.body);
  const isOpaque = (given.headers.get("content-encoding") ?? "identity").trim() !== "identity";
  const body = given.body as ReadableStream<Uint8Array> | null;
  const isReplaced = inBody.length > 0 && body !== null && !isOpaque;
  if (sent.length === 0 && !isReplaced) return { request: given, sent };
  // What comes back is read, to mask what was sent.
  headers.set("accept-encoding", "identity");
  // A body that is passed on as it is keeps its length.
  if (!isReplaced) return { request: new Request(new Request(url, given), { headers }), sent };
  // An answer may begin before the body is read to its end.
  for (const { value, placeholder } of inBody) note(sent, value, placeholder);
  // It changes with what is put in.
  headers.delete("content-length");
  const { method, redirect, signal } = given;
  const init = { method, headers, redirect, signal };
  const replaced = replaceInBody(body, given.headers, inBody);
  // Node wants to be told of a body that is a stream.
  return {
    request: new Request(url, { ...init, body: replaced, duplex: "half" } as RequestInit),
    sent,
  };
}

function replaceInHeaders(
  given: Headers,
  secrets: readonly OpenSecret[],
  sent: SentValue[],
): Headers {
  const headers = new Headers(given);
  for (const [name, before] of given) {
    const own = secrets.filter(({ places: { header } }) =>
      typeof header === "string" ? header.toLowerCase() === name : header === true,
    );
    const put = (text: string) => replaceAll(text, own, (value) => value, sent);
    const basic = name === "authorization" ? fromBasic(before) : undefined;
    if (basic?.credentials.includes(PLACEHOLDER_START)) {
      const credentials = put(basic.credentials);
      if (credentials === basic.credentials) continue;
      const encoded = toBase64(credentials);
      headers.set(name, basic.scheme + encoded);
      // A service that echoes its request's headers sends back this.
      sent.push({ text: encoded, placeholder: toBase64(basic.credentials) });
    } else if (before.includes(PLACEHOLDER_START)) {
      const after = put(before);
      if (after !== before) headers.set(name, after);
    }
  }
  return headers;
}

function replaceInQuery(url: string, secrets: readonly OpenSecret[], sent: SentValue[]): string {
  const start = url.indexOf("?");
  if (start < 0) return url;
  const inQuery = secrets.filter(({ places: { query } }) => query);
  const query = replaceAll(url.slice(start), inQuery, encodeURIComponent, sent);
  return url.slice(0, start) + query;
}

function replaceAll(
  text: string,
  secrets: readonly OpenSecret[],
  encode: (value: string) => string,
  sent: SentValue[],
): string {
  let replaced = text;
  for (const { placeholder, value } of secrets) {
    if (!replaced.includes(placeholder)) continue;
    replaced = replaced.replaceAll(placeholder, () => encode(value));
    note(sent, value, placeholder);
  }
  return replaced;
}

/** Notes what was sent, as a text, a URL, JSON, or JSON in a string of JSON would say it. */
function note(sent: SentValue[], value: string, placeholder: string): void {
  const form = encodeURIComponent(value);
  const json = inJson(value);
  for (const text of new Set([value, json, inJson(json), form, form.replaceAll("%20", "+")])) {
    if (!sent.some((before) => before.text === text)) sent.push({ text, placeholder });
  }
}

/** As JSON has it between quotes. */
const inJson = (value: string) => JSON.stringify(value).slice(1, -1);

function replaceInBody(
  body: ReadableStream<Uint8Array>,
  headers: Headers,
  secrets: readonly OpenSecret[],
): ReadableStream<Uint8Array> {
  const encode = encodingOf(headers.get("content-type") ?? "");
  const replacements = secrets.map(({ placeholder, value }) => ({
    from: encoder.encode(placeholder),
    to: encoder.encode(encode(value)),
  }));
  return replaceInStream(body, new ByteReplacer(replacements));
}

/** How a value is written in a body of this type. */
function encodingOf(type: string): (value: string) => string {
  const [name = ""] = type.toLowerCase().split(";");
  if (/[/+]json(-seq)?$/.test(name.trim()) || name.trim() === "application/x-ndjson") return inJson;
  if (name.trim() === "application/x-www-form-urlencoded") return encodeURIComponent;
  return (value) => value;
}
