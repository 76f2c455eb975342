import type { SessionDO } from "../session/session-do.js";
import type { Stub } from "../stub.js";

/** A session as its account calls it. */
export type SessionPort = Pick<
  Stub<SessionDO>,
  | "addTraffic"
  | "askNetwork"
  | "grantTurn"
  | "openTurnsOf"
  | "revokeToken"
  | "endBudgetLease"
  | "exists"
  | "erase"
>;
