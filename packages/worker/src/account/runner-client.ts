import type { ContainerDO } from "../container-do.js";
import type { Env } from "../env.js";

/** The ContainerDO as it is called: the runtime's own stub type cannot express `unknown` in results. */
export type ContainerStub = Pick<ContainerDO, "ensure" | "state" | "sleep" | "forgetSnapshot"> & {
  fetch(url: string, init?: RequestInit): Promise<Response>;
};

/** A runner that has not answered by then is not going to, milliseconds: all it does at once takes milliseconds. */
const ANSWER_MS = 10_000;

/** A whole transcript may take longer. */
const TRANSCRIPT_MS = 60_000;

/** What a runner answered. */
export interface RunnerAnswer<Body> {
  status: number;
  ok: boolean;
  retryAfterS: number;
  body: Body;
}

export function containerStub(env: Env, name: string): ContainerStub {
  return env.CONTAINER.getByName(name) as unknown as ContainerStub;
}

/**
 * Asks a runner for something that may be long: its body is the caller's to read, to its end.
 * @throws Error when it does not answer, or not with a success.
 */
export async function openRunner(
  container: ContainerStub,
  method: "GET" | "POST",
  path: string,
  body?: object,
): Promise<Response> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TRANSCRIPT_MS);
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
 * Asks a runner something that it answers at once. The answer is always read to its end: a connection whose answer is
 * dropped is closed under the next request that workerd sends over it.
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
    signal: AbortSignal.timeout(patienceMs ?? (isStream ? TRANSCRIPT_MS : ANSWER_MS)),
  });
  const { status, ok, headers } = response;
  const retryAfterS = Number(headers.get("retry-after") ?? 5);
  return { status, ok, retryAfterS, body: await response.json<Body>() };
}
