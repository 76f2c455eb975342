import type { ErrorCode, Session } from "@claude-edge/client";

import { resetObject } from "../support/resets.ts";
import {
  killAll,
  killClaude,
  NO_INSTANCE,
  resetAccount,
  resetContainer,
  resetSession,
  type Target,
} from "../support/strikes.ts";

/** What a fault strikes: a session, its account, its container. */
export interface Place extends Target {
  session: Session;
  cut(): void;
  /** The account's containers that run now. */
  containers: { name: string; pid: number }[];
}

/** What breaks, how often, whom it strikes, and with which codes a turn that it struck may fail. */
export interface Fault {
  name: string;
  weight: number;
  strikes: "session" | "account" | "all";
  explains?: ErrorCode[];
  /** A runner ends by it. */
  endsRunner?: true;
  /** workerd ends by it. */
  endsWorkerd?: true;
  /** It goes on while others strike. */
  isLong?: true;
  strike(place: Place): unknown;
}

/** A container that drains lets go of it when its last turn ends, and turns take some seconds. Milliseconds. */
const DRAIN_MS = 60_000;

/** Too little for the turns that run, milliseconds. */
const SHORT_GRACE_MS = 300;

export const FAULTS: Fault[] = [
  { name: "cut the client", weight: 4, strikes: "session", strike: ({ cut }) => cut() },
  {
    name: "kill claude",
    weight: 4,
    strikes: "session",
    explains: ["agent_exited", "agent_start_failed"],
    strike: killClaude,
  },
  {
    name: "kill the runner",
    weight: 3,
    strikes: "account",
    explains: ["container_lost"],
    endsRunner: true,
    strike: ({ containers }) => killAll(containers.map(({ pid }) => pid)),
  },
  {
    name: "kill the container",
    weight: 3,
    strikes: "account",
    explains: ["container_lost"],
    endsRunner: true,
    strike: ({ stack, containers }) =>
      Promise.all(containers.map(({ name }) => stack.killContainer(name))),
  },
  {
    name: "end the container",
    weight: 4,
    strikes: "account",
    endsRunner: true,
    isLong: true,
    strike: async ({ stack, containers }) => {
      const begun = Date.now();
      await Promise.all(containers.map(({ name }) => stack.stopContainer(name)));
      const seconds = (Date.now() - begun) / 1_000;
      if (seconds * 1_000 > DRAIN_MS) throw new Error(`it drained for ${seconds} s`);
    },
  },
  {
    name: "end the container in a hurry",
    weight: 2,
    strikes: "account",
    explains: ["container_lost"],
    endsRunner: true,
    strike: ({ stack, containers }) =>
      Promise.all(containers.map(({ name }) => stack.stopContainer(name, SHORT_GRACE_MS))),
  },
  {
    name: "restart the Worker",
    weight: 2,
    strikes: "all",
    endsWorkerd: true,
    strike: ({ stack }) => stack.restartWorker(),
  },
  { name: "reset the account", weight: 4, strikes: "account", strike: resetAccount },
  { name: "reset the session", weight: 4, strikes: "session", strike: resetSession },
  { name: "reset the container's object", weight: 4, strikes: "account", strike: resetContainer },
  {
    name: "reset the stand-in's object",
    weight: 1,
    strikes: "account",
    strike: ({ stack, account }) => resetObject(stack.url, "CONTAINER", `${account}/stand-in`),
  },
  {
    name: "refuse containers for 10 s",
    weight: 1,
    strikes: "all",
    strike: ({ stack }) => stack.refuseContainers(NO_INSTANCE, 10_000),
  },
];
