import type { ContainerDO } from "./container-do.js";
import type { Env } from "../env.js";
import { objectNamed } from "../objects.js";
import type { Stub } from "../stub.js";

export type ContainerStub = Pick<
  Stub<ContainerDO>,
  | "ensure"
  | "onDraining"
  | "state"
  | "status"
  | "sleep"
  | "reserveSpare"
  | "releaseSpare"
  | "forgetSnapshot"
  | "erase"
> & {
  fetch(url: string, init?: RequestInit): Promise<Response>;
};

/**
 * How long a container's object is called again while it cannot be reached, milliseconds. It is reset on its own, and its
 * container runs on meanwhile: nothing is lost by that.
 */
export const OBJECT_PATIENCE_MS = 60_000;

/** Timeout of an ordinary call, milliseconds. The runner answers those within milliseconds. */
const ANSWER_MS = 10_000;

/** Timeout of a call with a stream, milliseconds. */
const STREAM_MS = 60_000;

/** A runner's answer. */
export interface RunnerAnswer<Body> {
  status: number;
  ok: boolean;
  retryAfterS: number;
  body: Body;
}

export const containerStub = (env: Env, name: string): ContainerStub =>
  objectNamed<ContainerStub>(env, "CONTAINER", name);

/**
 * Calls a runner for a streamed answer. The caller must read the body to its end.
 * @throws Error when there is no answer, or an unsuccessful one.
 */
export async function openRunner(
  container: ContainerStub,
  method: "GET" | "POST",
  path: string,
  body?: object,
): Promise<Response> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), STREAM_MS);
  try {
    const response = await container.fetch(`http://runner${path}`, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
      signal: controller.signal,
    });
    if (response.ok) return response;
    throw new Error(`the runner answered ${response.status} to ${path}: ${await response.text()}`);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Calls a runner for a small JSON answer. The answer is always read to its end: workerd reuses a connection whose answer
 * was dropped, and the next request on it fails.
 */
export async function callRunner<Body>(
  container: ContainerStub,
  method: "PUT" | "POST" | "DELETE",
  path: string,
  body?: object | ReadableStream<Uint8Array>,
  patienceMs?: number,
): Promise<RunnerAnswer<Body>> {
  const isStream = body instanceof ReadableStream;
  const response = await container.fetch(`http://runner${path}`, {
    method,
    body: isStream ? body : body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(patienceMs ?? (isStream ? STREAM_MS : ANSWER_MS)),
  });
  const { status, ok, headers } = response;
  const retryAfterS = Number(headers.get("retry-after") ?? 5);
  return { status, ok, retryAfterS, body: await response.json<Body>() };
}
