import { EdgeError, toWireError } from "@claude-edge/protocol";

import { isReset, isVersionSkew, typed } from "./object-fault.js";

/** How long a call is repeated that fails each time, milliseconds: a new deployment resets Durable Objects. */
export const RECONNECT_MS = 10_000;
export const RETRY_MS = 250;

/**
 * Makes a call that may be repeated, again when its object was reset meanwhile. Each time it must get a new stub.
 * @throws what the call throws otherwise, or after {@link RECONNECT_MS}.
 */
export const throughResets = <Value>(call: () => Promise<Value>): Promise<Value> =>
  repeated(call, isReset);

/**
 * Makes a call again while its object, which is of another version, has no such method. Nothing was done then.
 * @throws EdgeError `version_skew` after {@link RECONNECT_MS}, which is final for callers of this caller too; and what
 * the call throws otherwise.
 */
export async function throughSkew<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await repeated(call, isVersionSkew);
  } catch (error) {
    if (!isVersionSkew(error)) throw error;
    const { message } = toWireError(typed(error));
    throw new EdgeError("version_skew", message, { waited_s: RECONNECT_MS / 1_000 }, error);
  }
}

async function repeated<Value>(
  call: () => Promise<Value>,
  passes: (error: unknown) => boolean,
): Promise<Value> {
  for (let brokenSince: number | undefined; ;) {
    const startedAt = Date.now();
    try {
      return await call();
    } catch (error) {
      if (!passes(error)) throw error;
      const now = Date.now();
      // A call that lived this long, as one that waits for a turn does, was healthy.
      if (now - startedAt > RECONNECT_MS) brokenSince = undefined;
      brokenSince ??= now;
      if (now - brokenSince > RECONNECT_MS) throw error;
      await scheduler.wait(RETRY_MS);
    }
  }
}
