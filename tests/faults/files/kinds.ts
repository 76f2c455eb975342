import type { Session } from "@claude-edge/client";
import type { LocalStack } from "@claude-edge/local";
import { findMarked } from "@claude-edge/runner/processes";

/** What a fault strikes. */
export interface Struck {
  stack: LocalStack;
  session: Session;
}

/** What breaks, and how far things go on over it. */
export interface Kind {
  name: string;
  /** The turn goes on. */
  goesOn?: boolean;
  /** The container goes on, with what an interrupted tool has left in it. */
  leavesContainer?: boolean;
  strike(struck: Struck): unknown;
}

const kill = (pids: number[]) => {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended in this very moment.
    }
  }
};

/** Attempts follow each other, and end their containers: the one that runs is the attempt's. */
const containerOf = ({ stack }: Struck) => stack.containers().at(-1);

export const KILL_CONTAINER: Kind = {
  name: "kill the container",
  strike: (struck) => {
    const container = containerOf(struck);
    return container && struck.stack.killContainer(container.name);
  },
};

export const OTHER_KINDS: Kind[] = [
  {
    name: "kill the runner",
    strike: (struck) => kill([containerOf(struck)?.pid ?? 0].filter(Boolean)),
  },
  {
    name: "kill claude",
    leavesContainer: true,
    strike: ({ session }) => kill(findMarked("CLAUDE_EDGE_SESSION", session.id)),
  },
  { name: "restart the Worker", goesOn: true, strike: ({ stack }) => stack.restartWorker() },
];
