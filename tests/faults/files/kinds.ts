import type { Session } from "@claude-edge/client";
import type { LocalStack } from "@claude-edge/local";

import { poison } from "../../support/poison.ts";
import { killAll, killClaude, resetSession } from "../../support/strikes.ts";

/** What a fault strikes. */
export interface Struck {
  stack: LocalStack;
  account: string;
  session: Session;
  /** Takes back what would break the next turn too. */
  heal(): unknown;
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
    strike: (struck) => killAll([containerOf(struck)?.pid ?? 0].filter(Boolean)),
  },
  {
    name: "kill claude",
    leavesContainer: true,
    strike: killClaude,
  },
  { name: "restart the Worker", goesOn: true, strike: ({ stack }) => stack.restartWorker() },
  { name: "reset the session", goesOn: true, strike: resetSession },
  {
    name: "poison a checkpoint",
    strike: async (struck) => {
      const { stack, account, session } = struck;
      struck.heal = await poison(stack.url, `${account}/${session.id}`, "checkpoint");
    },
  },
];
