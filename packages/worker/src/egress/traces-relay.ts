import { SESSION_ID } from "@claude-edge/protocol";

import { objectNamed } from "../objects.js";
import type { Env } from "../env.js";
import { readWithin } from "../read-within.js";
import { sessionName } from "../settings.js";

/** The most of a request, and how long it may take to arrive: an exporter sends 512 spans at once, some 500 kB. */
const MAX_BYTES = 4 * 1024 * 1024;
const PATIENCE_MS = 10_000;

/** The attribute by which a process names its session. A container could forge it, but only within its own account. */
const SESSION_ATTRIBUTE = "session.id";

/** A session, as far as the spans of its process go. */
interface SpansPort {
  /** The status to answer with. */
  relaySpans(spans: unknown[]): Promise<number>;
}

/** Passes spans of a container's process on to the session that it works for. Answers as OTLP over HTTP has it. */
export async function relayTraces(env: Env, account: string, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method !== "POST" || pathname !== "/v1/traces") return answer(404);
  const text = await bodyOf(request);
  if (text === undefined) return answer(413);
  const spans = spansIn(text);
  const session = sessionOf(spans);
  if (session === undefined) return answer(400);
  const port = objectNamed<SpansPort>(env, "SESSION", sessionName(account, session));
  return answer(await port.relaySpans(spans));
}

const answer = (status: number) => Response.json({}, { status });

async function bodyOf({ body }: Request): Promise<string | undefined> {
  if (!body) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  const end = await readWithin(reader, PATIENCE_MS, (chunk) => {
    bytes += chunk.byteLength;
    if (bytes <= MAX_BYTES) text += decoder.decode(chunk, { stream: true });
    return bytes <= MAX_BYTES;
  });
  if (end === "done") return text + decoder.decode();
  await reader.cancel();
  return undefined;
}

/** The spans of an export, unchecked. */
export function spansIn(text: string): unknown[] {
  const listOf = (value: unknown, name: string): unknown[] => {
    const found = (value as Record<string, unknown> | null)?.[name];
    return Array.isArray(found) ? found : [];
  };
  try {
    return listOf(JSON.parse(text), "resourceSpans")
      .flatMap((resource) => listOf(resource, "scopeSpans"))
      .flatMap((scope) => listOf(scope, "spans"));
  } catch {
    return [];
  }
}

function sessionOf(spans: unknown[]): string | undefined {
  const attributes = spans.flatMap((span) => {
    const { attributes: found } = (span ?? {}) as { attributes?: unknown };
    return Array.isArray(found) ? (found as unknown[]) : [];
  }) as ({ key?: unknown; value?: { stringValue?: unknown } } | null)[];
  const named = attributes.find((attribute) => attribute?.key === SESSION_ATTRIBUTE);
  const id = named?.value?.stringValue;
  return typeof id === "string" && SESSION_ID.test(id) ? id : undefined;
}
