import { toWireError, type SessionOptions } from "@claude-edge/protocol";
import { asks, fitsSpare } from "@claude-edge/protocol/runner";

import type { ContainerStub } from "../container/runner-client.js";

/**
 * Calls `create` with an id for a new session: that of a spare process of its container, or a random one. The session
 * takes the spare's id, so the spare is reserved before the account admits the session. It is given back when the session
 * is refused or is another one: a refused caller must not cost a process.
 * @param container The container that the session will run in; undefined when it will have one of its own.
 */
export async function withNewSessionId<Made>(
  container: ContainerStub | undefined,
  options: SessionOptions,
  create: (session: string) => Promise<Made>,
  idOf: (made: Made) => string,
): Promise<Made> {
  const spare = fitsSpare(options)
    ? await container?.reserveSpare(asks(options)).catch(() => undefined)
    : undefined;
  // If this call is lost, the runner ends the spare after some minutes.
  const release = async () => {
    if (spare !== undefined) await container?.releaseSpare(spare).catch(() => {});
  };
  try {
    const made = await create(spare ?? crypto.randomUUID());
    if (idOf(made) !== spare) await release();
    return made;
  } catch (error) {
    // After any other failure the session may exist.
    const isRefusal = toWireError(error).code !== "internal";
    if (isRefusal) await release();
    throw error;
  }
}
