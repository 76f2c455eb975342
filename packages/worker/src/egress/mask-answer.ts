import { ByteReplacer, replaceInStream } from "./byte-replacer.js";
import type { SentValue } from "./replace-secrets.js";

/** A shorter value is in every other text by chance: putting its placeholder there would only garble it. */
const MIN_MASKED_CHARS = 6;

/** Types that are read by people and programs as text. */
const TEXT =
  /^(text\/|application\/([\w.+-]*(json|xml|yaml|javascript|ecmascript|graphql|urlencoded|ndjson|html)|problem\b)|multipart\/|message\/|image\/svg)/i;

/** Encodings that the runtime takes off when a body is read. */
const DECODED = /^(identity|gzip|x-gzip|deflate|br)?$/i;

/** Statuses of answers that have no body. */
const BODILESS = new Set([101, 204, 205, 304]);

const encoder = new TextEncoder();

/**
 * The answer of a host that was sent secrets, with their placeholders in place of their values, in headers and text. Binary
 * bodies pass as they are.
 */
export function maskAnswer(answer: Response, sent: readonly SentValue[]): Response {
  const values = sent.filter(({ text }) => text.length >= MIN_MASKED_CHARS);
  // One that is upgraded has no body to read, and cannot be made anew.
  if (values.length === 0 || answer.status === 101) return answer;
  const headers = maskHeaders(answer.headers, values);
  const { status, statusText } = answer;
  const body = answer.body as ReadableStream<Uint8Array> | null;
  const type = headers.get("content-type") ?? "text/plain";
  const isRead = TEXT.test(type) && DECODED.test(headers.get("content-encoding")?.trim() ?? "");
  if (body === null || BODILESS.has(status) || !isRead) {
    return new Response(BODILESS.has(status) ? null : body, { status, statusText, headers });
  }
  // Of what the host sent, not of what is passed on.
  for (const name of ["content-length", "content-encoding", "content-md5", "digest"]) {
    headers.delete(name);
  }
  const replacer = new ByteReplacer(
    values.map(({ text, placeholder }) => ({
      from: encoder.encode(text),
      to: encoder.encode(placeholder),
    })),
  );
  return new Response(replaceInStream(body, replacer), { status, statusText, headers });
}

function maskHeaders(given: Headers, values: readonly SentValue[]): Headers {
  const headers = new Headers();
  // The longest first: one value may be a part of another.
  const ordered = values.toSorted((left, right) => right.text.length - left.text.length);
  // One by one: cookies must not be joined.
  for (const [name, value] of given) {
    let masked = value;
    for (const { text, placeholder } of ordered) masked = masked.replaceAll(text, placeholder);
    headers.append(name, masked);
  }
  return headers;
}
