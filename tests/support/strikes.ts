import type { Session } from "@claude-edge/client";
import type { LocalStack } from "@claude-edge/local";
import { findMarked } from "@claude-edge/runner/processes";

import { resetObject } from "./resets.ts";

/** What a fault strikes: a session of a stack whose Worker is `RESETTABLE_WORKER`. */
export interface Target {
  stack: LocalStack;
  account: string;
  session: Pick<Session, "id">;
}

/** Kills processes, those that have ended already left out. */
export function killAll(pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended in this very moment.
    }
  }
}

/** Kills the session's claude process, and its tools. */
export const killClaude = ({ session }: Target): void =>
  killAll(findMarked({ CLAUDE_EDGE_SESSION: session.id }));

export const resetAccount = ({ stack, account }: Target): Promise<void> =>
  resetObject(stack.url, "ACCOUNT", account);

export const resetSession = ({ stack, account, session }: Target): Promise<void> =>
  resetObject(stack.url, "SESSION", `${account}/${session.id}`);

export const resetContainer = ({ stack, account }: Target): Promise<void> =>
  resetObject(stack.url, "CONTAINER", account);

/** The platform's message when it has no container to give. */
export const NO_INSTANCE = "There is no container instance available at this time";
