import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks again and again until there is an answer; fails after `ms`. The default is a bound for what hangs, long enough
 * for a machine that is ten times slower.
 */
export async function until<Value>(
  what: string,
  ask: () => Value | undefined | false | Promise<Value | undefined | false>,
  ms = 60_000,
): Promise<Value> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await sleep(25);
  }
  throw new Error(`not within ${ms} ms: ${what}`);
}
