import { VERSION } from "../version.js";

/**
 * Sends JSON once. The answer's status says what became of it: its body is not read, since what a private host would say
 * must be shown to nobody, and a redirect is not followed.
 * @throws as `fetch`; {@link isLate} tells that there was no answer in time.
 */
export async function postOnce(
  url: string | URL,
  headers: [string, string][],
  body: string,
  timeoutMs: number,
): Promise<Response> {
  const answer = await fetch(url, {
    method: "POST",
    headers: [
      ["content-type", "application/json"],
      ["user-agent", `claude-edge/${VERSION}`],
      ...headers,
    ],
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  await answer.body?.cancel().catch(() => {});
  return answer;
}

/** Whether an error of {@link postOnce} is that no answer came in time. */
export const isLate = (error: unknown): boolean =>
  error instanceof Error && /Timeout|Abort/.test(error.name);
