import type { TurnResource, WireError } from "@claude-edge/protocol";

/** The outcome of a turn. */
export type TurnEnd = {
  status: "completed" | "failed" | "interrupted";
  error?: WireError;
} & Pick<TurnResource, "result" | "usage">;
