import type { PlacedRunner, PlacedSession } from "../container/places.js";
import type { ContainerStub } from "../container/runner-client.js";
import type { RunnerLog } from "../log/runner-log.js";

/** What a session wants a runner for. */
export interface RunnerWish {
  account: string;
  /** The session, and where its last turn ran. */
  of: PlacedSession;
  /** The runner could not be reached: its object is not to answer from memory. */
  recheck: boolean;
  isWanted(): boolean;
  /** Pauses after a failed attempt. False when there is to be no other. */
  waitAfter(failure: unknown): Promise<boolean>;
}

/**
 * Returns the session's runner, started if needed; undefined once it is no longer wanted. A runner that was
 * given up on is stopped first.
 * @throws EdgeError as the container's `ensure`; Error when the container's object cannot be reached, or a lost runner
 * does not end.
 */
export async function ensureRunner(
  home: ContainerStub,
  at: (name: string) => ContainerStub,
  runnerLog: RunnerLog,
  { account, of, recheck, isWanted, waitAfter }: RunnerWish,
): Promise<PlacedRunner | undefined> {
  for (let again = recheck; ;) {
    try {
      const placed = await home.ensure(account, again, of);
      const { boot, container } = placed;
      if (!isWanted()) return undefined;
      if (!runnerLog.isLost(boot)) return placed;
      again = true;
      await at(container).sleep(boot);
      throw new Error("a runner that hung was told to end");
    } catch (error) {
      if (!isWanted()) return undefined;
      if (!(await waitAfter(error))) throw error;
      if (!isWanted()) return undefined;
    }
  }
}
